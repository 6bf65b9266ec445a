// A folder of inputs that grows: what a run that goes on keeps of the runs before it, and what it computes.
import {
  appendFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { EarlierChoice } from '../../src/runs/earlier-run.js';
import { foreseeRun } from '../../src/runs/foresee-run.js';
import { openJournal } from '../../src/runs/journal.js';
import type { RunRequest } from '../../src/runs/request.js';
import { executeRun } from '../../src/runs/run.js';
import { assertRefused } from '../helpers/assertions.js';
import { identityOf, openBench, requestFor, withForward } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';

const bench = openBench();

interface Trial {
  readonly earlier?: EarlierChoice;
  readonly version?: string;
  readonly stopAfter?: number;
  readonly others?: Partial<Parameters<typeof requestFor>[0]>;
}

/** A folder of small .jsonl files, and runs over what is in it at the time. */
async function prepare(t: ExecutionContext, ...names: string[]) {
  const [folder, out] = [await makeFolder(t), await makeFolder(t)];
  const path = (name: string): string => join(folder, `${name}.jsonl`);
  const write = async (name: string, seed = name.charCodeAt(0)): Promise<void> => {
    await writeSequences(path(name), makeSequences([5, 3, 7], seed));
  };
  for (const name of names) await write(name);
  const plan = async (others: Trial['others'] = {}): Promise<RunRequest> => {
    const inputs = (await readdir(folder)).sort().map((name) => join(folder, name));
    return requestFor({ inputs, output: out, ...others });
  };
  const identify = async (request: RunRequest, version = '1') => {
    const identity = await identityOf(request, bench());
    return { ...identity, outputs: identity.outputs.map((output) => ({ ...output, version })) };
  };
  /** Returns the files by their states, and how many sequences were computed. */
  const run = async ({ earlier = 'resume', version, stopAfter = Infinity, others }: Trial = {}) => {
    const request = await plan(others);
    const identity = await identify(request, version);
    const journal = await openJournal(request, { identity, earlier });
    let [computed, calls] = [0, 0];
    const stopper = new AbortController();
    const layer = withForward(bench().layer, (input, options) => {
      computed += (options?.offsets?.length ?? 1) - 1;
      if (++calls === stopAfter) stopper.abort(new Error('stopped'));
      return bench().layer.forward(input, options);
    });
    try {
      const limits = { mostTokens: 8, mostSequenceTokens: 1e6 };
      const work = executeRun(request, { layer, journal, limits, identity }, { signal: stopper.signal });
      if (stopAfter < Infinity) await t.throwsAsync(work, { message: 'stopped' });
      else await work;
      return { journal, computed, states: statesOf(journal.files, folder) };
    } finally {
      await journal.close();
    }
  };
  const foresee = async (others?: Trial['others']) => {
    const request = await plan(others);
    return foreseeRun(request, { identity: await identify(request), earlier: 'resume' });
  };
  const output = (name: string): string => join(out, `${name}.jsonl`);
  const list = async () => (await readdir(out)).sort();
  return { folder, out, path, write, run, foresee, output, list };
}

function statesOf(files: readonly { readonly input: string; readonly state: string }[], folder: string) {
  return Object.fromEntries(files.map(({ input, state }) => [input.slice(folder.length + 1, -6), state]));
}

/** That a folder's outputs are those of a run over all inputs as they are now. */
async function assertRight(
  t: ExecutionContext,
  { folder, out }: { readonly folder: string; readonly out: string },
) {
  const names = (await readdir(folder)).sort();
  const fresh = await makeFolder(t);
  const request = await requestFor({ inputs: names.map((name) => join(folder, name)), output: fresh });
  const identity = await identityOf(request, bench());
  const journal = await openJournal(request, { identity, earlier: 'refuse' });
  await executeRun(request, {
    ...{ layer: bench().layer, journal, identity },
    limits: { mostTokens: 1000, mostSequenceTokens: 1e6 },
  });
  await journal.close();
  for (const name of names) {
    t.is(await readFile(join(out, name), 'utf8'), await readFile(join(fresh, name), 'utf8'), name);
  }
}

test('a file that is added is computed, and what is done stays', async (t) => {
  const where = await prepare(t, 'b', 'd');
  t.deepEqual((await where.run()).states, { b: 'new', d: 'new' });
  await where.write('a');
  await where.write('c');
  const { states, computed } = await where.run();
  t.deepEqual(states, { a: 'new', b: 'done', c: 'new', d: 'done' });
  t.is(computed, 6);
  await assertRight(t, where);
  t.is((await where.run()).computed, 0);
});

test('a file that is changed is computed anew, be it as long as it was', async (t) => {
  const where = await prepare(t, 'a', 'b', 'c');
  await where.run();
  await appendFile(where.path('a'), '{"x":[]}\n');
  const text = await readFile(where.path('b'), 'utf8');
  await writeFile(
    where.path('b'),
    text.replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 1) % 10)),
  );
  const { states, computed } = await where.run();
  t.deepEqual(states, { a: 'changed', b: 'changed', c: 'done' });
  t.is(computed, 7);
  await assertRight(t, where);
});

test('a file that is only touched is done', async (t) => {
  const where = await prepare(t, 'a', 'b');
  await where.run();
  await utimes(where.path('a'), 1, 1);
  for (let again = 0; again < 2; again++) {
    const { states, computed } = await where.run();
    t.deepEqual(states, { a: 'done', b: 'done' });
    t.is(computed, 0);
  }
});

test('an output that was deleted is computed anew', async (t) => {
  const where = await prepare(t, 'a', 'b');
  await where.run();
  await rm(where.output('b'));
  const { states, computed } = await where.run();
  t.deepEqual(states, { a: 'done', b: 'output missing' });
  t.is(computed, 3);
  await assertRight(t, where);
});

test('a file that could not be read is tried again, repaired or not', async (t) => {
  const where = await prepare(t, 'a', 'b');
  await writeFile(where.path('b'), '{"x":[[1]]}\n');
  const bytes = Buffer.from([0xff, 0xfe]);
  await writeFile(join(where.folder, 'c.arrow'), bytes);
  const others = { onError: 'skip' } as const;
  const { journal } = await where.run({ others });
  t.true(journal.state.failures.length > 0);
  t.false((await where.list()).includes('c.arrow'));
  const again = await where.run({ others });
  t.is(again.journal.state.failures.length, journal.state.failures.length);
  await rm(join(where.folder, 'c.arrow'));
  await writeSequences(join(where.folder, 'c.arrow'), makeSequences([2], 1));
  await where.write('b');
  const { states, computed, journal: last } = await where.run({ others });
  t.deepEqual(states, { a: 'done', b: 'changed', c: 'failed' });
  t.is(computed, 4);
  t.deepEqual(last.state.failures, []);
});

test('a file that has gone is told of, its output stays, and it is done if it comes back', async (t) => {
  const where = await prepare(t, 'a', 'b');
  await where.run();
  const away = join(await makeFolder(t), 'b');
  await rename(where.path('b'), away);
  for (let again = 0; again < 2; again++) {
    const { states, computed, journal } = await where.run();
    t.deepEqual(states, { a: 'done', b: 'gone' });
    t.is(computed, 0);
    t.is(journal.state.sequences, 3);
  }
  await where.write('c');
  t.deepEqual((await where.run()).states, { a: 'done', b: 'gone', c: 'new' });
  await rename(away, where.path('b'));
  const { states, computed } = await where.run();
  t.deepEqual(states, { a: 'done', b: 'done', c: 'done' });
  t.is(computed, 0);
});

test('a file that has gone is forgotten with its output', async (t) => {
  const where = await prepare(t, 'a', 'b');
  await where.run();
  await rm(where.path('b'));
  await rm(where.output('b'));
  t.deepEqual((await where.run()).states, { a: 'done' });
});

test('files are added, changed and taken away between interruptions', async (t) => {
  const where = await prepare(t, 'b', 'd');
  await where.run({ stopAfter: 2, earlier: 'refuse' });
  t.true((await where.list()).includes('b.jsonl.partial'));
  await where.write('a');
  const { states, computed } = await where.run({ stopAfter: 1 });
  t.is(states.b, 'unfinished');
  t.true(computed < 6);
  await where.write('a', 99);
  await where.write('b', 98);
  await where.run();
  await assertRight(t, where);
  t.deepEqual(await where.list(), ['a.jsonl', 'b.jsonl', 'd.jsonl', 'headpool.manifest']);
});

test('a file that was begun is gone on with after a touch, and computed anew without its partial file', async (t) => {
  const where = await prepare(t, 'a', 'b');
  await where.run({ stopAfter: 2, earlier: 'refuse' });
  await utimes(where.path('a'), 1, 1);
  t.is(statesOf((await where.foresee()).files, where.folder).a, 'unfinished');
  await truncate(`${where.output('a')}.partial`, 1);
  const { states } = await where.run();
  t.is(states.a, 'output missing');
  await assertRight(t, where);
});

test('a file whose partial file has a flipped bit is computed anew', async (t) => {
  const where = await prepare(t, 'a', 'b');
  await where.run({ stopAfter: 2, earlier: 'refuse' });
  const partial = await readFile(`${where.output('a')}.partial`);
  partial[3]! ^= 1;
  await writeFile(`${where.output('a')}.partial`, partial);
  const { states } = await where.run();
  t.is(states.a, 'output missing');
  await assertRight(t, where);
});

test('the partial file of an input that has gone is removed', async (t) => {
  const where = await prepare(t, 'a', 'b');
  await where.run({ stopAfter: 2, earlier: 'refuse' });
  await rm(where.path('a'));
  t.deepEqual((await where.run()).states, { b: 'new' });
  t.deepEqual(await where.list(), ['b.jsonl', 'headpool.manifest']);
});

test('outputs of another version are refused, naming it, and stay where that is asked for', async (t) => {
  const where = await prepare(t, 'a', 'b');
  await where.run();
  await where.write('c');
  const what = 'had `"1"` (string) for `version`, this one has `"2"` (string); `--resume mixed` goes on';
  await assertRefused(t, () => where.run({ version: '2' }), { code: 'INVALID_OPTION', path: join(where.out, 'headpool.manifest'), what }); // prettier-ignore
  const { states, computed, journal } = await where.run({ version: '2', earlier: 'mixed' });
  t.deepEqual(states, { a: 'done', b: 'done', c: 'new' });
  t.is(computed, 3);
  t.deepEqual(journal.run.outputs.map(({ version }) => version), ['1', '1', '2']); // prettier-ignore
  await assertRefused(t, () => where.run({ version: '2' }), {
    code: 'INVALID_OPTION',
    path: '',
    what: 'version',
  });
  t.is((await where.run({ version: '2', earlier: 'mixed' })).computed, 0);
});

test('a file that another version had begun is computed anew: no file is of two versions', async (t) => {
  const where = await prepare(t, 'a', 'b');
  await where.run({ stopAfter: 2, earlier: 'refuse' });
  const { states, computed, journal } = await where.run({ version: '2', earlier: 'mixed' });
  t.is(states.a, 'other maker');
  t.is(computed, 6);
  t.deepEqual(journal.run.outputs.map(({ version }) => version), ['2', '2']); // prettier-ignore
});

test('another version may go on where nothing of the one before would stay', async (t) => {
  const where = await prepare(t, 'a');
  await where.run();
  await where.write('a', 5);
  t.deepEqual((await where.run({ version: '2' })).states, { a: 'changed' });
});

test('a setting that matters is refused by its name, whatever happened to the files', async (t) => {
  const where = await prepare(t, 'a');
  await where.run();
  await where.write('b');
  for (const [field, others] of Object.entries({
    'configuration.causal': { options: { causal: true } },
    pool: { pool: 'mean' },
    outputFormat: { outputFormat: 'safetensors' },
    statistics: { hasStatistics: true },
  } as const)) {
    const refusal = { code: 'INVALID_OPTION', path: '', what: `for \`${field}\`` } as const;
    await assertRefused(t, () => where.run({ others }), refusal);
    await assertRefused(t, () => where.foresee(others), refusal);
  }
});

test('keys that were touched are the same, those of other content are not', async (t) => {
  const where = await prepare(t, 'a');
  const key = await writeSequences(join(await makeFolder(t), 'k.safetensors'), makeSequences([2, 2, 2], 1));
  const others = { key };
  await where.run({ others });
  await utimes(key, 1, 1);
  t.is((await where.run({ others })).computed, 0);
  await writeSequences(key, makeSequences([2, 2, 2], 2));
  const what = '`key.checksum`';
  await assertRefused(t, () => where.run({ others }), { code: 'INVALID_OPTION', path: '', what });
});

test('what would be done is told without a change to anything', async (t) => {
  const where = await prepare(t, 'a', 'b', 'c');
  t.deepEqual(statesOf((await where.foresee()).files, where.folder), { a: 'new', b: 'new', c: 'new' });
  t.deepEqual(await where.list(), []);
  await where.run();
  await where.write('a', 77);
  await rm(where.path('b'));
  await rm(where.output('c'));
  await where.write('d');
  const manifest = await readFile(join(where.out, 'headpool.manifest'));
  const { files, state } = await where.foresee();
  const wanted = { a: 'changed', b: 'gone', c: 'output missing', d: 'new' };
  t.deepEqual(statesOf(files, where.folder), wanted);
  t.deepEqual(state.placeOf(0), { sequence: 0 });
  t.deepEqual(await readFile(join(where.out, 'headpool.manifest')), manifest);
  t.deepEqual((await where.run()).states, wanted);
});

test('outputs in folders of their own are known by their paths below the output', async (t) => {
  const [folder, out] = [await makeFolder(t), await makeFolder(t)];
  for (const [n, name] of ['a', 'b'].entries()) {
    await mkdir(join(folder, name));
    await mkdir(join(out, name));
    await writeSequences(join(folder, name, 'x.jsonl'), makeSequences([3], n));
  }
  const request = await requestFor({ inputs: [join(folder, 'a', 'x.jsonl')], output: out });
  const names = ['a', 'b'];
  const mirrored: RunRequest = {
    ...request,
    inputs: names.map((name, target) => ({ path: join(folder, name, 'x.jsonl'), target })),
    targets: names.map((name) => ({ path: join(out, name, 'x.jsonl'), format: 'jsonl' })),
  };
  const identity = await identityOf(mirrored, bench());
  t.deepEqual(identity.outputs.map(({ path }) => path), names.map((name) => join(name, 'x.jsonl'))); // prettier-ignore
});
