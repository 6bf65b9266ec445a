// What a merge refuses by name, what it leaves when it is stopped, and what shards leave out as one run does.
import { appendFile, mkdir, open, readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { noteFailure } from '../../src/cluster/shard-states.js';
import { identifyRun } from '../../src/runs/identity.js';
import { assertRefused } from '../helpers/assertions.js';
import { identityOf, openBench, requestFor, runBatch } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';
import { cutInto, isSame } from '../helpers/sharded-run.js';

const bench = openBench();
const limits = { mostTokens: 16 };
const lengths = [30, 5, 40, 0, 12, 33, 9, 21];

/** A run in three shards of one file, and the bytes that it must come to. */
async function prepare(t: ExecutionContext, of: readonly number[] = lengths) {
  const folder = await makeFolder(t);
  const x = await writeSequences(join(folder, 'x.safetensors'), makeSequences(of, 1));
  const [one, output] = ['one', 'y'].map((name) => join(folder, `${name}.safetensors`)) as [string, string];
  await runBatch(await requestFor({ inputs: [x], output: one }), { bench: bench(), limits });
  const asked = { inputs: [x], output };
  return { folder, x, one, output, asked, sharded: await cutInto(3, bench(), asked) };
}

async function prepareDone(t: ExecutionContext) {
  const prepared = await prepare(t);
  for (const number of [1, 2, 3]) await prepared.sharded.runShard(number, { limits });
  return prepared;
}

test('shards that are missing, failed or stopped are named', async (t) => {
  const { sharded } = await prepare(t);
  const stopped = sharded.runShard(1, { limits, stopAfter: 2 });
  await t.throwsAsync(stopped, { message: 'stopped' });
  await noteFailure(sharded.pathsOf(2).failure, 'the disk is full');
  await assertRefused(t, () => sharded.merge(), {
    code: 'INVALID_OPTION',
    what: ['1/3 stopped', '2/3 failed (the disk is full)', '3/3 missing'],
  });
});

test('a shard that was stopped goes on, and the merge has the bytes of one run', async (t) => {
  const { sharded, one, output } = await prepare(t);
  for (const number of [3, 2, 1]) {
    await t.throwsAsync(sharded.runShard(number, { limits, stopAfter: 2 }), { message: 'stopped' });
    await sharded.runShard(number, { limits });
  }
  await sharded.merge();
  await isSame(t, output, one);
});

test('a shard that was stopped when all its sequences were done, but not yet itself, goes on too', async (t) => {
  // A chunk each, and full: that a shard has no more shows in a chunk of its own.
  const { sharded, one, output } = await prepare(t, new Array<number>(6).fill(limits.mostTokens));
  for (const number of [1, 2, 3]) {
    const before = sharded.runShard(number, { limits, stopAfter: 2 });
    await t.throwsAsync(before, { message: 'stopped' });
    await sharded.runShard(number, { limits });
  }
  await sharded.merge();
  await isSame(t, output, one);
});

test('an input that changed after the cut is refused by its shards, by name', async (t) => {
  const { sharded, x } = await prepare(t);
  await sharded.runShard(1, { limits });
  await utimes(x, 1, 1);
  await assertRefused(t, () => sharded.runShard(2, { limits }), {
    code: 'INVALID_FILE',
    path: x,
    what: 'modified',
  });
});

test('an input that changed after its shards is refused by the merge, by name', async (t) => {
  const { sharded, x, output, folder } = await prepareDone(t);
  const file = await open(x, 'r+');
  await file.write(Buffer.from([1, 2, 3, 4]), 0, 4, 500);
  await file.close();
  await assertRefused(t, () => sharded.merge(), { code: 'INVALID_FILE', path: x, what: 'checksum' });
  t.false((await readdir(folder)).includes('y.safetensors'), output);
});

test('an input that was only touched is the same', async (t) => {
  const { sharded, x, one, output } = await prepareDone(t);
  await utimes(x, 1, 1);
  await sharded.merge();
  await isSame(t, output, one);
});

test('shards of another kernel or version are refused, by name', async (t) => {
  const { sharded, x, output } = await prepareDone(t);
  const identity = await identityOf(await requestFor({ inputs: [x], output }), bench());
  const other = { ...bench().engine.info, kernel: 'reference' as const, instructionSet: 'JavaScript' };
  const made = identifyRun({ ...identity, inputs: [{ ...identity.inputs[0]!, range: sharded.cut.parts[1]![0]!.range! }] }, other); // prettier-ignore
  await sharded.runShard(2, { limits, identity: made, earlier: 'restart' });
  await assertRefused(t, () => sharded.merge(), {
    code: 'INVALID_FILE',
    path: sharded.pathsOf(2).manifest,
    what: 'reference (JavaScript)',
  });
});

test('a part with other bytes than were written is refused, and computed again it is right', async (t) => {
  const { sharded, one, output, folder } = await prepareDone(t);
  const { part } = sharded.pathsOf(2);
  const bytes = await readFile(part);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(part, bytes);
  await assertRefused(t, () => sharded.merge(), { code: 'INVALID_FILE', path: part, what: 'checksum' });
  t.false((await readdir(folder)).includes('y.safetensors'));
  await sharded.runShard(2, { limits, earlier: 'restart' });
  await sharded.merge();
  await isSame(t, output, one);
});

test('a part that was cut short is refused', async (t) => {
  const { sharded } = await prepareDone(t);
  const { part } = sharded.pathsOf(3);
  await truncate(part, 400);
  await assertRefused(t, () => sharded.merge(), { code: 'INVALID_FILE', path: part });
});

test('a merge that is stopped goes on where it was', async (t) => {
  const { sharded, one, output, folder } = await prepareDone(t);
  let all = 0;
  const total = 4 * 8 * lengths.reduce((sum, length) => sum + length, 0);
  for (const most of [1, 1, Infinity]) {
    const controller = new AbortController();
    let copied = 0;
    const merging = sharded.merge({
      signal: controller.signal,
      recordBytes: 1,
      onProgress: (bytes) => {
        if (++copied >= most) controller.abort(new Error('stopped'));
        all += bytes;
      },
    });
    if (most === Infinity) await merging;
    else await t.throwsAsync(merging, { message: 'stopped' });
  }
  t.is(all, total, 'nothing is copied twice');
  await isSame(t, output, one);
  t.false((await readdir(folder)).some((name) => name.endsWith('.partial') || name.endsWith('.lock')));
  await sharded.merge({ onProgress: () => t.fail('it was done') });
});

test('a merge forgets no unfinished run of the output unless it is told to', async (t) => {
  const { sharded, one, output, asked } = await prepareDone(t);
  const plain = await requestFor({ ...asked, dtype: 'bf16' });
  await t.throwsAsync(runBatch(plain, { bench: bench(), limits, stopAfter: 3 }), { message: 'stopped' });
  await assertRefused(t, () => sharded.merge(), { code: 'INVALID_OPTION', what: '`--restart` forgets it' });
  await sharded.merge({ isRestarting: true });
  await isSame(t, output, one);
});

test('a shard is no run with other settings', async (t) => {
  const { asked, folder, x } = await prepare(t);
  const sharded = await cutInto(2, bench(), { ...asked, output: join(folder, 'z.safetensors') });
  const request = await requestFor({ inputs: [x], output: sharded.pathsOf(1).part, isFolder: false, dtype: 'f16', outputFormat: 'safetensors' }); // prettier-ignore
  t.is(request.dtype, 'f16');
  await mkdir(join(folder, 'sub'));
  const other = await cutInto(2, bench(), { ...asked, output: join(folder, 'sub', 'z.safetensors'), dtype: 'f16' }); // prettier-ignore
  await other.runShard(1);
  await writeFile(sharded.pathsOf(1).manifest, await readFile(other.pathsOf(1).manifest));
  await sharded.runShard(2);
  await assertRefused(t, () => sharded.merge(), { code: 'INVALID_OPTION', what: '`dtype`' });
});

/** Files of which something can't be read: what one run leaves out, and what shards leave out. */
const leavesOut = test.macro(async (t, damage: (folder: string) => Promise<string[]>) => {
  const folder = await makeFolder(t);
  const inputs = await damage(folder);
  for (const extension of ['jsonl', 'safetensors']) {
    const asked = { inputs, onError: 'skip', nonFinite: 'error', hasStatistics: true } as const;
    const one = join(folder, `one.${extension}`);
    const state = await runBatch(await requestFor({ ...asked, output: one }), { bench: bench(), limits });
    t.true(state.failures.length > 0);
    for (const count of [1, 3, 8]) {
      const output = join(folder, `of-${count}.${extension}`);
      const sharded = await cutInto(count, bench(), { ...asked, output });
      for (let number = count; number > 0; number--) await sharded.runShard(number, { limits });
      await sharded.merge();
      const names = await readdir(folder);
      t.is(names.includes(`of-${count}.${extension}`), names.includes(`one.${extension}`));
      if (names.includes(`one.${extension}`)) await isSame(t, output, one);
    }
  }
});

const write = (folder: string, name: string, of: readonly number[], seed: number) =>
  writeSequences(join(folder, name), makeSequences(of, seed));

test('a line that is damaged', leavesOut, async (folder) => {
  const x = await write(folder, 'x.jsonl', lengths, 1);
  const lines = (await readFile(x, 'utf8')).split('\n');
  lines.splice(3, 0, '{"x": [[1, 2]]}', '');
  await writeFile(x, lines.join('\n'));
  return [x, await write(folder, 'z.jsonl', [8, 30], 2)];
});

test('a sequence with NaN', leavesOut, async (folder) => {
  const given = makeSequences(lengths, 1);
  given.rows[37 * 8] = NaN;
  return [await writeSequences(join(folder, 'x.npz'), given), await write(folder, 'z.safetensors', [3], 2)];
});

test('a file that is none, among others', leavesOut, async (folder) => {
  const [a, b, c] = await Promise.all(
    [1, 2, 3].map((n) => write(folder, `x${n}.safetensors`, [20, 7, 9], n)),
  );
  await writeFile(b!, 'no tensors');
  return [a!, b!, c!];
});

test('a file that ends too early', leavesOut, async (folder) => {
  const x = await write(folder, 'x.arrow', lengths, 1);
  const { length } = await readFile(x);
  await truncate(x, Math.floor(length / 2));
  await appendFile(x, '');
  return [await write(folder, 'a.safetensors', [20, 7], 2), x];
});

test('nothing but files that are none', leavesOut, async (folder) => {
  const paths = [1, 2].map((n) => join(folder, `x${n}.npy`));
  for (const path of paths) await writeFile(path, 'no array');
  return paths;
});

test('a single file that is none', leavesOut, async (folder) => {
  const path = join(folder, 'x.jsonl');
  await writeFile(path, '{"x": [[1, 2, 3]]}\n');
  return [path, await write(folder, 'a.jsonl', [], 2)];
});
