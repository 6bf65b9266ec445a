// Several sequences in one call: caches of a batch, of equal and different lengths, and lists of caches of ragged
// batches. Each sequence gets what it gets by itself.
import { createTensor, type Tensor } from '../../src/core/tensor/tensor.js';
import { assertSameBytes } from '../helpers/assertions.js';
import {
  cachedCase,
  checkRows,
  checkStretch,
  feed,
  layerOf,
  prefill,
  stretchOf,
  type CachedCase,
} from '../helpers/cached-case.js';
import { openEngines, testKernels } from '../helpers/engines.js';

const engines = openEngines();
const options = { causal: true, rope: { base: 10_000 }, window: { left: 265 } } as const;
const width = 10;

/** Sequences of one layer. */
const cases = Array.from({ length: 5 }, (_, seed) => cachedCase({ tokens: 266, seed: seed + 1, options }));

/** New tokens of a sequence in a call. */
interface Part {
  readonly of: CachedCase;
  readonly from: number;
  readonly to: number;
}

/** The rows of all parts, one after the other. */
function rowsOf(parts: readonly Part[]): number[] {
  return parts.flatMap(({ of, from, to }) => [...stretchOf(of.x, from, to).data]);
}

function raggedOf(parts: readonly Part[]): { readonly x: Tensor; readonly offsets: readonly number[] } {
  const offsets = parts.reduce<number[]>((ends, { from, to }) => [...ends, ends.at(-1)! + to - from], [0]);
  return { x: createTensor([offsets.at(-1)!, width], rowsOf(parts)), offsets };
}

/** Output rows of each part. */
function cutRows({ data }: Tensor, parts: readonly Part[]): Float32Array[] {
  const { offsets } = raggedOf(parts);
  return parts.map((_, n) => data.slice(offsets[n]! * width, offsets[n + 1]! * width));
}

const batch = cachedCase({ tokens: 262, batch: 3, options });

testKernels(engines, 'a cache of three sequences of equal lengths', async (t, engine) => {
  using layer = await engine.multiHeadAttention(layerOf(batch));
  using cache = layer.createCache({ maxTokens: 262, batch: 3 });
  const asked = { returnWeights: true, returnLogSumExp: true } as const;
  for (const stretch of await feed(batch, layer, cache, [2, 1, 5], asked))
    checkStretch(t, batch, stretch, asked);
  await prefill(batch, layer, cache, 250);
  for (const stretch of await feed(batch, layer, cache, [1, 2])) checkStretch(t, batch, stretch);
  t.deepEqual(cache.tokens, [261, 261, 261]);
});

testKernels(engines, 'a dense call on a cache of different lengths', async (t, engine) => {
  using layer = await engine.multiHeadAttention(layerOf(cases[0]!));
  using cache = layer.createCache({ maxTokens: 266, batch: 3 });
  const own = cases.slice(0, 3);
  const x = createTensor(
    [3, 260, width],
    own.flatMap(({ x: all }) => [...stretchOf(all, 0, 260).data]),
  );
  await prefill({ x, options }, layer, cache, 260);
  const held = [3, 260, 128];
  cache.truncate(held);
  for (const length of [1, 2, 1]) {
    const parts = own.map((of, n): Part => ({ of, from: held[n]!, to: held[n]! + length }));
    const rows = createTensor([3, length, width], rowsOf(parts));
    const { output } = await layer.forward(rows, { ...options, cache });
    cutRows(output, parts).forEach((one, n) => {
      checkRows(t, own[n]!, { ...parts[n]!, output: one });
    });
    held.forEach((tokens, n) => (held[n] = tokens + length));
    t.deepEqual(cache.tokens, held);
  }
});

testKernels(engines, 'a ragged call on a list of caches, one of them of two sequences', async (t, engine) => {
  using layer = await engine.multiHeadAttention(layerOf(cases[0]!));
  using first = layer.createCache({ maxTokens: 300 });
  using pair = layer.createCache({ maxTokens: 270, batch: 2 });
  using last = layer.createCache({ maxTokens: 266 });
  using fork = first.fork();
  const list = [first, pair, last, fork];
  const held = [0, 0, 0, 0, 0];
  // Of the fork, the last sequence, no token is written in the pages of `first`.
  for (const lengths of [
    [3, 1, 0, 130, 2],
    [1, 5, 4, 1, 1],
    [0, 0, 0, 0, 0],
    [1, 1, 252, 127, 0],
    [1, 1, 1, 1, 1],
    [2, 0, 1, 1, 3],
  ]) {
    const parts = cases.map((of, n): Part => ({ of, from: held[n]!, to: held[n]! + lengths[n]! }));
    const { x, offsets } = raggedOf(parts);
    const { output, logSumExp } = await layer.forward(x, {
      ...options,
      offsets,
      cache: list,
      returnLogSumExp: true,
    });
    t.deepEqual(logSumExp!.shape, [4, offsets.at(-1)!]);
    cutRows(output, parts).forEach((rows, n) => {
      if (lengths[n]! < 10) checkRows(t, cases[n]!, { ...parts[n]!, output: rows });
    });
    lengths.forEach((length, n) => (held[n] = held[n]! + length));
    t.deepEqual(
      list.flatMap(({ tokens }) => tokens),
      held,
    );
  }
});

testKernels(engines, 'a sequence has the same bytes in any cache, beside any others', async (t, engine) => {
  using layer = await engine.multiHeadAttention(layerOf(cases[0]!));
  for (const dtype of ['f32', 'bf16'] as const) {
    const create = (count = 1) => layer.createCache({ maxTokens: 266, batch: count, dtype });
    const own = cases.slice(0, 3);
    const alone: Float32Array[][] = [];
    for (const of of own) {
      using cache = create();
      await prefill(of, layer, cache, 256);
      const stretches = await feed(of, layer, cache, [1, 3, 1]);
      alone.push(stretches.map(({ result }) => result.output.data));
    }
    using pair = create(2);
    using single = create();
    const lists = [
      [pair, single],
      [single, pair],
    ] as const;
    for (const list of lists) {
      for (const cache of list) cache.truncate(0);
      const order = list[0] === pair ? [0, 1, 2] : [2, 0, 1];
      let from = 0;
      for (const [step, length] of [256, 1, 3, 1].entries()) {
        const parts = order.map((n): Part => ({ of: own[n]!, from, to: from + length }));
        const { x, offsets } = raggedOf(parts);
        const window = step === 0 ? { left: 0, right: 0 } : options.window;
        const { output } = await layer.forward(x, { ...options, window, offsets, cache: list });
        cutRows(output, parts).forEach((rows, at) => {
          if (step > 0) assertSameBytes(t, rows, alone[order[at]!]![step - 1]!, `${dtype} ${step}`);
        });
        from += length;
      }
    }
  }
});
