// Several attempts at one shard, as a queue brings about: each goes on where the one before was, and one that was asleep
// changes nothing when it wakes.
import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { attemptMerge } from '../../src/cluster/attempt-merge.js';
import { readFinishedShards } from '../../src/cluster/finished-shards.js';
import { attemptJoin } from '../../src/cluster/join-folder.js';
import { removeShards } from '../../src/cluster/remove-shards.js';
import { readShardStates } from '../../src/cluster/shard-states.js';
import { openBench, requestFor, runBatch, withForward } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';
import { cutInto, isSame } from '../helpers/sharded-run.js';

const bench = openBench();

const limits = { mostTokens: 16 };
const lengths = [12, 9, 14, 3, 16, 11, 8, 15];

async function prepare(t: ExecutionContext, { shards = 2, isFolder = false } = {}) {
  const folder = await makeFolder(t);
  const inputs = await Promise.all(
    [1, 2].map((n) => writeSequences(join(folder, `x${n}.safetensors`), makeSequences(lengths, n))),
  );
  const name = (stem: string): string => join(folder, isFolder ? `${stem}/` : `${stem}.safetensors`);
  const asked = { inputs, hasStatistics: true };
  if (isFolder) await Promise.all(['one', 'y'].map((stem) => mkdir(name(stem))));
  const one = name('one');
  await runBatch(await requestFor({ ...asked, output: one, isFolder }), { bench: bench(), limits });
  const output = name('y');
  const sharded = await cutInto(shards, bench(), { ...asked, output, isFolder });
  const merge = async (): Promise<void> => {
    const finished = await readFinishedShards(sharded.cut, output);
    if (isFolder) return attemptJoin(sharded.cut, finished, output);
    await attemptMerge(sharded.cut, finished, {
      ...{ output, recordBytes: 100, signal: new AbortController().signal },
      onProgress: () => undefined,
    });
  };
  return { folder, one, output, sharded, merge };
}

/** Computes so many chunks and then sleeps until it is woken. */
function sleeper(chunks: number) {
  const { layer } = bench();
  const events = new EventEmitter();
  const [asleep, awake] = [once(events, 'asleep'), once(events, 'awake')];
  let calls = 0;
  const parts = {
    limits,
    layer: withForward(layer, async (input, options) => {
      if (++calls > chunks) {
        events.emit('asleep');
        await awake;
      }
      return layer.forward(input, options);
    }),
  };
  return { parts, asleep, wake: () => events.emit('awake') };
}

/** What lies in a folder, to the bytes. */
async function contentOf(folder: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const path = join(folder, name);
    if ((await stat(path)).isFile()) content[name] = (await readFile(path)).toString('base64');
  }
  return content;
}

for (const isFolder of [false, true]) {
  const where = isFolder ? 'a folder' : 'a file';
  test(`an attempt goes on with what the one before recorded, towards ${where}`, async (t) => {
    const { folder, one, output, sharded, merge } = await prepare(t, { isFolder });
    await t.throwsAsync(sharded.attemptShard(1, { limits, stopAfter: 3 }), { message: 'stopped' });
    const [stopped] = await readShardStates(sharded.cut, output);
    t.like(stopped, { state: 'stopped' });
    t.true(stopped!.sequences > 0);
    let sequences = 0;
    await sharded.attemptShard(1, { limits, onProgress: (done) => (sequences += done.sequences) });
    const [done] = await readShardStates(sharded.cut, output);
    t.like(done, { state: 'done', sequences: lengths.length });
    t.is(sequences, lengths.length - stopped!.sequences);
    await sharded.attemptShard(2, { limits });
    await merge();
    await merge();
    for (const name of isFolder ? ['x1.safetensors', 'x2.safetensors'] : ['']) {
      await isSame(t, join(output, name), join(one, name));
    }
    const cut = sharded.cut;
    await removeShards(cut, { output, isFolder });
    const left = Object.keys(await contentOf(folder)).filter((name) => /shard|attempt/.test(name));
    t.deepEqual(left, []);
  });

  test(`a sleeper that wakes changes nothing of ${where}`, async (t) => {
    const { folder, one, output, sharded, merge } = await prepare(t, { isFolder });
    const { parts, asleep, wake } = sleeper(2);
    const sleeping = sharded.attemptShard(1, parts);
    await asleep;
    await sharded.attemptShard(1, { limits });
    await sharded.attemptShard(2, { limits });
    const before = await contentOf(folder);
    wake();
    await t.throwsAsync(sleeping, {
      code: 'OUTPUT_IN_USE',
      message: /shard 1\/2 was begun again by process \d+ on /,
    });
    const own = /attempt-1\.(partial|manifest|lock)$/;
    const isOthers = ([name]: [string, string]): boolean => !own.test(name);
    t.deepEqual(
      Object.entries(await contentOf(folder)).filter(isOthers),
      Object.entries(before).filter(isOthers),
    );
    await merge();
    await isSame(
      t,
      isFolder ? join(output, 'x1.safetensors') : output,
      isFolder ? join(one, 'x1.safetensors') : one,
    );
  });
}

for (const way of ['attemptShard', 'runShard'] as const) {
  test(`what is partial in a folder goes with the shards that are removed (${way})`, async (t) => {
    const { folder, output, sharded } = await prepare(t, { isFolder: true });
    const before = await readdir(output);
    for (const number of [1, 2, 1]) {
      await t.throwsAsync(sharded[way](number, { limits, stopAfter: 2 }), { message: 'stopped' });
    }
    t.true((await readdir(output)).some((name) => name.endsWith('.partial')));
    await removeShards(sharded.cut, { output, isFolder: true });
    // The cut goes too.
    t.deepEqual(
      await readdir(output),
      before.filter((name) => name !== 'headpool.shards'),
    );
    t.false((await readdir(folder)).some((name) => name.endsWith('.partial')));
  });
}

for (const isFolder of [false, true]) {
  test(`a shard whose manifest is damaged has failed, and can be removed: ${isFolder ? 'a folder' : 'a file'}`, async (t) => {
    const { folder, output, sharded } = await prepare(t, { isFolder });
    await sharded.runShard(1, { limits });
    await sharded.runShard(2, { limits });
    await writeFile(sharded.pathsOf(2).manifest, 'no manifest\nat all\n');
    const [first, second] = await readShardStates(sharded.cut, output);
    t.like(first, { state: 'done' });
    t.like(second, { state: 'failed', sequences: 0 });
    t.regex(second!.reason!, /\.manifest: expected a whole record for `line 1`/);
    await t.throwsAsync(readFinishedShards(sharded.cut, output), {
      message: /got 1 that are not: 2\/2 failed \(.*\.manifest: expected a whole record/,
    });
    t.true((await removeShards(sharded.cut, { output, isFolder })) > 0);
    t.false((await readdir(folder, { recursive: true })).some((name) => /shard/.test(name)));
  });
}

test('an attempt goes on with what was recorded by who held the lock of the shard', async (t) => {
  const { output, sharded, one, merge } = await prepare(t, { shards: 1 });
  await t.throwsAsync(sharded.runShard(1, { limits, stopAfter: 4 }), { message: 'stopped' });
  const [stopped] = await readShardStates(sharded.cut, output);
  let sequences = 0;
  await sharded.attemptShard(1, { limits, onProgress: (done) => (sequences += done.sequences) });
  t.is(sequences, 2 * lengths.length - stopped!.sequences);
  await merge();
  await isSame(t, output, one);
});

test('a manifest that is damaged is passed over', async (t) => {
  const { output, sharded, one, merge } = await prepare(t, { shards: 1 });
  await t.throwsAsync(sharded.attemptShard(1, { limits, stopAfter: 2 }), { message: 'stopped' });
  await t.throwsAsync(sharded.attemptShard(1, { limits, stopAfter: 2 }), { message: 'stopped' });
  await writeFile(
    `${sharded.pathsOf(1).manifest.replace(/\.manifest$/, '')}.attempt-2.manifest`,
    'no manifest\nat all\n',
  );
  let sequences = 0;
  await sharded.attemptShard(1, { limits, onProgress: (done) => (sequences += done.sequences) });
  t.true(sequences < 2 * lengths.length);
  await merge();
  await isSame(t, output, one);
});

test('of two attempts at once the later one does it', async (t) => {
  const { output, sharded, one, merge } = await prepare(t, { shards: 1 });
  const ended = await Promise.allSettled([1, 2, 3, 4].map(() => sharded.attemptShard(1, { limits })));
  t.is(ended.filter(({ status }) => status === 'fulfilled').length, 1, JSON.stringify(ended));
  await merge();
  await isSame(t, output, one);
});

test('a merge that was asleep changes nothing when it wakes', async (t) => {
  const { folder, output, sharded, one, merge } = await prepare(t);
  for (const number of [1, 2]) await sharded.attemptShard(number, { limits });
  const shards = await readFinishedShards(sharded.cut, output);
  let copied = 0;
  const sleeping = attemptMerge(sharded.cut, shards, {
    ...{ output, recordBytes: 100, signal: new AbortController().signal },
    onProgress: () => {
      // Somebody else begins between two of its records.
      if (++copied === 3) writeFileSync(`${output}.merge.attempt-2`, '{"pid":7,"host":"elsewhere"}\n');
    },
  });
  await t.throwsAsync(sleeping, {
    code: 'OUTPUT_IN_USE',
    message: /its merge was begun again by process 7 on elsewhere/,
  });
  t.is(copied, 3);
  t.false((await readdir(folder)).includes('y.safetensors'));
  await merge();
  await isSame(t, output, one);
  const left = (await readdir(folder)).filter((name) => name.includes('.merge'));
  t.deepEqual(
    left.sort(),
    [1, 2, 3].map((number) => `y.safetensors.merge.attempt-${number}`),
  );
});
