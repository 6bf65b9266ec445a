// Folders that change while runs over them are killed, in short; `npm run test:kill` does it at length. And what stands
// in the way of a run over a folder.
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { createEngine, type Engine } from '../../src/engine/engine.js';
import { assertRefused } from '../helpers/assertions.js';
import { heads, requestFor, runBatch, smallWeights, type Bench } from '../helpers/batch-run.js';
import { run } from '../helpers/command.js';
import { argsOf, folder, manyChunks, useInputs } from '../helpers/fault-inputs.js';
import { assertComplete, assertFailed, filesIn, stopAtWork } from '../helpers/fault-run.js';
import { assertGrows } from '../helpers/growing-folder.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';
import { testAsUser } from '../helpers/skips.js';

useInputs(folder);

let bench: Bench;

test.serial.before('starts an engine', async (t) => {
  const engine: Engine = await createEngine({ threads: 1, kernel: 'reference' });
  bench = { engine, layer: await engine.multiHeadAttention({ heads, weights: smallWeights }) };
  t.truthy(bench);
});
test.after.always('closes the engine', async () => {
  bench.layer.dispose();
  await bench.engine.close();
});

test.serial('a folder of 24 files, killed 5 times while it changes, ends like runs one by one', async (t) => {
  t.timeout(120_000);
  t.true((await assertGrows(t, { ...bench, files: 24, kills: 5, seed: 41 })) > 0, 'something was kept');
});

test.serial('a manifest of a folder that is damaged in its middle is an error, and all stays', async (t) => {
  const where = await makeFolder(t);
  const { code, stderr } = await run(where, argsOf(folder, ...manyChunks));
  t.is(code, 0, stderr);
  const path = join(where, folder.manifest);
  await writeFile(path, (await readFile(path, 'utf8')).replace('"chunk":3,', '"chunk":9,'));
  const damaged = await readFile(path);
  for (const more of [[], ['--dry-run']]) {
    const ended = await run(where, argsOf(folder, '--resume', ...more));
    assertFailed(t, ended, 1, /^headpool: out\/headpool\.manifest: .*`line 5`/);
  }
  t.deepEqual(await readFile(path), damaged);
  await assertComplete(t, where, folder);
  const again = await run(where, argsOf(folder, '--restart'));
  t.is(again.code, 0, again.stderr);
  await assertComplete(t, where, folder);
});

test.serial(
  'of two runs over one folder the second is refused, and one that only looks is not',
  async (t) => {
    // Stopped, it is alive all the same, and surely still at it when the others come.
    const args = argsOf(folder, ...manyChunks);
    const { where, ...first } = await stopAtWork(t, { runCase: folder, args, chunks: 1 });
    const [second, looking] = await Promise.all([
      run(where, argsOf(folder, '--resume')),
      run(where, argsOf(folder, '--resume', '--dry-run')),
    ]);
    first.child.kill('SIGCONT');
    assertFailed(
      t,
      second,
      1,
      /out\/headpool\.manifest\.lock: another run is writing this output: process \d+ on/,
    );
    t.is(looking.code, 0, looking.stderr);
    const { code, stderr } = await first.finished;
    t.is(code, 0, stderr);
    await assertComplete(t, where, folder);
  },
);

testAsUser(
  'a folder of outputs that is read-only is refused before anything is computed, and all stays',
  async (t) => {
    const [where, out] = [await makeFolder(t), await makeFolder(t)];
    const write = (name: string) => writeSequences(join(where, name), makeSequences([3], 1));
    const inputs = [await write('a.jsonl')];
    await runBatch(await requestFor({ inputs, output: out }), { bench });
    inputs.push(await write('b.jsonl'));
    const request = await requestFor({ inputs, output: out });
    const before = await readdir(out);
    for (const path of [where, out]) await chmod(path, 0o555);
    t.teardown(() => Promise.all([where, out].map((path) => chmod(path, 0o755))));
    return async () => {
      const refusal = {
        code: 'FILE_FAILED',
        path: join(out, 'headpool.manifest.lock'),
        what: 'EACCES',
      } as const;
      await assertRefused(t, () => runBatch(request, { bench, earlier: 'resume' }), refusal);
      t.deepEqual(await readdir(out), before);
    };
  },
);

test.serial('a run over a folder in which outputs have no room for their folder is refused', async (t) => {
  const where = await makeFolder(t);
  await mkdir(join(where, 'in', 'a'), { recursive: true });
  await writeSequences(join(where, 'in', 'a', 'x.jsonl'), makeSequences([3], 1, { width: 16 }));
  await mkdir(join(where, 'out'));
  await writeFile(join(where, 'out', 'a'), 'a file of this name');
  const ended = await run(where, argsOf({ ...folder, inputs: ['in/'] }));
  assertFailed(t, ended, 1, /^headpool: out\/a: could not create the folder: EEXIST/);
  t.deepEqual(await filesIn(join(where, 'out')), ['a']);
});
