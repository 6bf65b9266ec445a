// What calls with a cache take and return on [batch, heads, new tokens, all tokens]: masks and biases, weights, scores,
// log-sum-exp and statistics.
import type { AttentionOptions, Engine } from '../../src/index.js';
import { assertSameBytes } from '../helpers/assertions.js';
import {
  cachedCase,
  checkStretch,
  feed,
  grouped,
  layerOf,
  prefill,
  stretchOf,
  type CachedCase,
  type CallOptions,
} from '../helpers/cached-case.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { normalTensor, randomMask } from '../helpers/random.js';
import { assertClose } from '../helpers/tolerance.js';

const engines = openEngines();
const given = cachedCase({
  widths: { ...grouped, hasBiasKey: true, addZeroAttention: true },
  tokens: 262,
  batch: 2,
  options: { causal: true, alibiSlopes: [0.25, 0.125, 0.5, 0] },
});

/** Calls of `lengths` tokens after `before` others. */
async function open(engine: Engine, before: number, of: CachedCase = given) {
  const layer = await engine.multiHeadAttention(layerOf(of));
  const cache = layer.createCache({ maxTokens: 262, batch: 2 });
  await prefill(of, layer, cache, before);
  return {
    layer,
    cache,
    [Symbol.dispose]() {
      cache.dispose();
      layer.dispose();
    },
  };
}

const all = { returnLogSumExp: true, headStatistics: true } as const;

for (const [before, length] of [
  [0, 1],
  [0, 3],
  [5, 1],
  [126, 4],
  [258, 1],
  [257, 5],
] as const) {
  testKernels(engines, `all results of ${length} tokens after ${before}`, async (t, engine) => {
    using opened = await open(engine, before);
    const { layer, cache } = opened;
    for (const returnScores of ['scaled', 'softcapped', 'biased'] as const) {
      const asked: CallOptions = { ...all, returnScores, returnWeights: true };
      const [stretch] = await feed(given, layer, cache, [length], asked);
      t.deepEqual(stretch!.result.weights!.shape, [2, 4, length, before + length + 2]);
      t.deepEqual(stretch!.result.logSumExp!.shape, [2, 4, length]);
      t.deepEqual(stretch!.result.headStatistics!.entropy.shape, [2, 4]);
      checkStretch(t, given, stretch!, asked);
      cache.truncate(before);
    }
    const [stretch] = await feed(given, layer, cache, [length], all);
    checkStretch(t, given, stretch!);
  });
}

testKernels(engines, 'mean weights and probabilities are those of the heads', async (t, engine) => {
  using opened = await open(engine, 256);
  const { layer, cache } = opened;
  for (const length of [1, 3]) {
    const columns = 256 + length + 2;
    const again = async (asked: AttentionOptions) => {
      cache.truncate(256);
      return layer.forward(stretchOf(given.x, 256, 256 + length), { ...given.options, ...asked, cache });
    };
    const { weights } = await again({ returnWeights: true });
    const { scores } = await again({ returnScores: 'probabilities' });
    assertSameBytes(t, scores!.data, weights!.data);
    const { weights: means } = await again({ returnWeights: 'mean' });
    t.deepEqual(means!.shape, [2, length, columns]);
    const size = length * columns;
    const wanted = Float64Array.from({ length: 2 * size }, (_, n) => {
      const at = Math.floor(n / size) * 4 * size + (n % size);
      return [0, 1, 2, 3].reduce((sum, h) => sum + weights!.data[at + h * size]! / 4, 0);
    });
    assertClose(t, means!.data, wanted);
  }
});

const shapes = (queries: number, keys: number): number[][] => [
  [keys],
  [queries, keys],
  [4, queries, keys],
  [2, 1, queries, keys],
  [2, 4, queries, keys],
];

for (const [before, length] of [
  [7, 1],
  [127, 3],
  [258, 1],
] as const) {
  const keys = before + length;
  const masked: readonly CachedCase[] = shapes(length, keys).map((_, seed) =>
    cachedCase({ tokens: 262, batch: 2, seed, options: seed % 2 === 0 ? { causal: true } : {} }),
  );
  testKernels(engines, `masks and biases for ${length} tokens after ${before}`, async (t, engine) => {
    for (const [n, shape] of shapes(length, keys).entries()) {
      using opened = await open(engine, before, masked[n]);
      const mask = randomMask(shape, n + 1);
      const bias = normalTensor(shape, n + 2);
      bias.data.forEach((_, at) => {
        if (at % 5 === n) bias.data[at] = -Infinity;
      });
      const call = [{ mask, bias }, { mask }, { bias }][n % 3]!;
      const asked: CallOptions = { ...call, ...all, returnWeights: true };
      const [stretch] = await feed(masked[n]!, opened.layer, opened.cache, [length], asked);
      checkStretch(t, masked[n]!, stretch!, asked);
    }
  });
}

testKernels(
  engines,
  'a call with a cache writes into `out`, and takes one sequence without a batch axis',
  async (t, engine) => {
    const one = cachedCase({ tokens: 4 });
    using layer = await engine.multiHeadAttention(layerOf(one));
    using cache = layer.createCache({ maxTokens: 4 });
    const out = engine.tensor([1, 10]);
    for (let n = 0; n < 4; n++) {
      const { data } = stretchOf(one.x, n, n + 1);
      const result = await layer.forward({ shape: [1, 10], data }, { causal: true, cache, out });
      t.is(result.output.data, out.data);
      checkStretch(t, one, { from: n, to: n + 1, result });
    }
  },
);
