// How inputs are cut into chunks: where a chunk ends, what it holds, and how many files are open meanwhile.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ChunkSource, type Chunk, type ChunkLimits, type InputPlaces } from '../../src/runs/chunks.js';
import type { RunRequest } from '../../src/runs/request.js';
import { requestFor } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';

/** Packed files of these lengths, in a folder of their own. */
async function writeInputs(
  t: ExecutionContext,
  files: readonly (readonly number[])[],
  extension = 'safetensors',
) {
  const folder = await makeFolder(t);
  const inputs = files.map((_, n) => join(folder, `${String(n).padStart(3, '0')}.${extension}`));
  for (const [n, lengths] of files.entries()) await writeSequences(inputs[n]!, makeSequences(lengths, n));
  return { folder, inputs, output: join(folder, 'y.safetensors') };
}

function sourceOf(
  t: ExecutionContext,
  request: RunRequest,
  limits: Partial<ChunkLimits>,
  places?: InputPlaces,
) {
  const all = { mostTokens: 10, mostSequenceTokens: 1000, ...limits };
  const source = new ChunkSource(request, all, places ?? request.inputs.map(() => ({})));
  t.teardown(() => source.close());
  return source;
}

/** Of each chunk that has any, the lengths that it takes of each input. */
async function cut(source: ChunkSource): Promise<Record<number, number[]>[]> {
  const chunks: Record<number, number[]>[] = [];
  for (let chunk; (chunk = await source.next()) !== undefined;) {
    // That an input has ended may show only after its last sequence, in the next chunk.
    const taken = chunk.portions.map(({ input, spans }) => [input, lengthsOf(spans)] as const);
    const full = taken.filter(([, lengths]) => lengths.length > 0);
    if (full.length > 0) chunks.push(Object.fromEntries(full));
  }
  return chunks;
}

const lengthsOf = (spans: Chunk['portions'][0]['spans']) => spans.flatMap(({ query }) => [...query.lengths]);

for (const extension of ['safetensors', 'jsonl', 'arrow', 'parquet']) {
  test(`chunks are cut by tokens inside a .${extension} file and across files`, async (t) => {
    const { inputs, output } = await writeInputs(t, [[4, 5, 3, 6], [2, 2], [9, 1]], extension); // prettier-ignore
    const source = sourceOf(t, await requestFor({ inputs, output }), { mostTokens: 10 });
    t.deepEqual(await cut(source), [{ 0: [4, 5] }, { 0: [3, 6] }, { 1: [2, 2] }, { 2: [9, 1] }]);
    t.is(await source.next(), undefined);
  });

  test(`what has room is taken from the next .${extension} file`, async (t) => {
    const { inputs, output } = await writeInputs(t, [[4], [3], [3], [4, 4]], extension); // prettier-ignore
    const chunks = await cut(sourceOf(t, await requestFor({ inputs, output }), { mostTokens: 10 }));
    t.deepEqual(chunks, [{ 0: [4], 1: [3], 2: [3] }, { 3: [4, 4] }]); // prettier-ignore
  });

  test(`a .${extension} sequence longer than a chunk is a chunk alone`, async (t) => {
    const { inputs, output } = await writeInputs(t, [[2, 50, 3], [60]], extension); // prettier-ignore
    const chunks = await cut(sourceOf(t, await requestFor({ inputs, output }), { mostTokens: 10 }));
    t.deepEqual(chunks.flatMap((chunk) => Object.values(chunk)).flat(), [2, 50, 3, 60]); // prettier-ignore
    t.true(chunks.some((chunk) => JSON.stringify(chunk) === '{"0":[50]}'));
    t.deepEqual(chunks.at(-1), { 1: [60] });
  });

  test(`empty sequences and empty files of .${extension} are taken along`, async (t) => {
    const { inputs, output } = await writeInputs(t, [[], [0, 0, 3], [], [0], []], extension); // prettier-ignore
    const chunk = await sourceOf(t, await requestFor({ inputs, output }), { mostTokens: 10 }).next();
    t.deepEqual(chunk!.portions.map(({ spans }) => lengthsOf(spans)), [[], [0, 0, 3], [], [0], []]); // prettier-ignore
    t.true(chunk!.portions.every(({ isEnded }) => isEnded));
  });
}

test('empty sequences count as one token each, so that a chunk has an end', async (t) => {
  const { inputs, output } = await writeInputs(t, [new Array<number>(25).fill(0)]);
  const chunks = await cut(sourceOf(t, await requestFor({ inputs, output }), { mostTokens: 10 }));
  const counts = chunks.map((chunk) => chunk[0]!.length);
  t.is(counts.reduce((sum, count) => sum + count, 0), 25); // prettier-ignore
});

test('no input at all makes no chunk', async (t) => {
  const { inputs, output } = await writeInputs(t, [[]]);
  const request = await requestFor({ inputs, output });
  t.is(await sourceOf(t, { ...request, inputs: [] }, {}).next(), undefined);
});

test('300 tiny files make few chunks, of at most 256 files, which are closed in time', async (t) => {
  const { inputs, output } = await writeInputs(t, new Array<number[]>(300).fill([1]));
  const source = sourceOf(t, await requestFor({ inputs, output }), { mostTokens: 16_384 });
  const chunks: number[] = [];
  for (let chunk; (chunk = await source.next()) !== undefined;) {
    t.true((await openUnder(inputs[0]!)) <= 257);
    chunks.push(chunk.portions.length);
    t.true(chunk.portions.every(({ isEnded, share }) => isEnded && share === 1));
  }
  t.deepEqual(chunks, [256, 44]);
  t.is(await openUnder(inputs[0]!), 0);
});

test('of a long input one file is open at a time, and none after closing half way', async (t) => {
  const lengths = new Array<number>(8).fill(10);
  const { inputs, output } = await writeInputs(t, [lengths, lengths, lengths]);
  const source = sourceOf(t, await requestFor({ inputs, output }), { mostTokens: 10 });
  for (let turn = 0; turn < 12; turn++) {
    await source.next();
    t.true((await openUnder(inputs[0]!)) <= 2);
  }
  await source.close();
  t.is(await openUnder(inputs[0]!), 0);
});

/** Files open in the folder of `path`, where the system tells. */
async function openUnder(path: string): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const { readlink } = await import('node:fs/promises');
  const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  const folder = path.slice(0, path.lastIndexOf('/'));
  return (await Promise.all(links)).filter((target) => target.startsWith(folder)).length;
}

test('portions say where they end and how much of their input lies before', async (t) => {
  const { inputs, output } = await writeInputs(t, [[8, 8, 0, 8], [1]]); // prettier-ignore
  const source = sourceOf(t, await requestFor({ inputs, output }), { mostTokens: 10 });
  const told: [number, number, number, boolean][] = [];
  for (let chunk; (chunk = await source.next()) !== undefined;) {
    for (const { input, end, share, isEnded } of chunk.portions)
      told.push([input, end.sequence, Math.round(100 * share!), isEnded]);
  }
  const shares = told.filter(([input]) => input === 0).map(([, , share]) => share);
  t.deepEqual(shares, shares.toSorted((a, b) => a - b)); // prettier-ignore
  t.deepEqual(told.filter(([, , , isEnded]) => isEnded).map(([input, , share]) => [input, share]), [[0, 100], [1, 100]]); // prettier-ignore
  t.is(told.findLast(([input]) => input === 0)![1], 4);
});

for (const extension of ['safetensors', 'jsonl', 'arrow', 'parquet']) {
  test(`.${extension} inputs go on where an earlier source stopped, whichever place that is`, async (t) => {
    const files = [[4, 0, 5, 3], [6, 1], [7]]; // prettier-ignore
    const { inputs, output } = await writeInputs(t, files, extension);
    const request = await requestFor({ inputs, output });
    for (let stopped = 0; stopped < 5; stopped++) {
      const first = sourceOf(t, request, { mostTokens: 6 });
      const places: InputPlaces[0][] = request.inputs.map(() => ({}));
      const seen: number[][] = inputs.map(() => []);
      for (let turn = 0; turn < stopped; turn++) {
        for (const { input, spans, end, isEnded } of (await first.next())?.portions ?? []) {
          seen[input]!.push(...lengthsOf(spans));
          places[input] = isEnded ? undefined : { start: end };
        }
      }
      for (const chunk of await cut(sourceOf(t, request, { mostTokens: 100 }, places))) {
        for (const [input, lengths] of Object.entries(chunk)) seen[Number(input)]!.push(...lengths);
      }
      t.deepEqual(seen, files, `after ${stopped} chunks`);
    }
  });
}

test('a chunk has no more keys than tokens either, where headers tell', async (t) => {
  const { folder, inputs, output } = await writeInputs(t, [[1, 1, 1, 1, 1]]);
  const key = await writeSequences(join(folder, 'k.safetensors'), makeSequences([4, 5, 9, 30, 2], 9));
  const source = sourceOf(t, await requestFor({ inputs, output, key }), { mostTokens: 10 });
  const keys: number[][] = [];
  for (let chunk; (chunk = await source.next()) !== undefined;) {
    const spans = chunk.portions.flatMap((portion) => portion.spans);
    keys.push(spans.flatMap((span) => [...span.key!.lengths]));
    t.is(lengthsOf(spans).length, keys.at(-1)!.length);
  }
  t.deepEqual(keys, [[4, 5], [9], [30], [2]]); // prettier-ignore
});
