// Rolling caches in calls: a window on a sequence of any length, in memory that stays as it is.
import { createRandom } from '../../src/core/tensor/random.js';
import { createTensor } from '../../src/core/tensor/tensor.js';
import { assertSameBytes } from '../helpers/assertions.js';
import {
  cachedCase,
  checkRows,
  checkStretch,
  feed,
  layerOf,
  prefill,
  stretchOf,
  type SequenceOptions,
} from '../helpers/cached-case.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import type { LayerWidths } from '../helpers/layer-case.js';

const engines = openEngines();
const narrow: LayerWidths = { heads: 2, kvHeads: 1, headDim: 4, modelDim: 6 };

/** Lengths of 1 … most that reach `total` together. */
function randomLengths(total: number, most: number): number[] {
  const random = createRandom(total);
  const lengths: number[] = [];
  for (let left = total; left > 0; left -= lengths.at(-1)!) {
    lengths.push(Math.min(left, Math.floor(random.uniform() * most) + 1));
  }
  return lengths;
}

for (const [maxTokens, tokens] of [
  [1, 150],
  [5, 200],
  [100, 400],
  [128, 520],
] as const) {
  const options: SequenceOptions = {
    causal: true,
    window: { left: maxTokens },
    rope: { base: 10_000 },
    alibiSlopes: [0.125, 0],
    sinks: [0.5, -1],
  };
  const given = cachedCase({ widths: narrow, tokens, options });
  testKernels(engines, `${tokens} tokens through a rolling cache of ${maxTokens}`, async (t, engine) => {
    using layer = await engine.multiHeadAttention(layerOf(given));
    using cache = layer.createCache({ maxTokens, rolling: true });
    const output: number[] = [];
    const lengths = randomLengths(tokens, Math.min(maxTokens, 60));
    for (const { result } of await feed(given, layer, cache, lengths)) {
      output.push(...result.output.data);
    }
    checkRows(t, given, { from: 0, to: tokens, output: Float32Array.from(output) });
    t.deepEqual(cache.tokens, [tokens]);
  });
}

const measured = cachedCase({
  widths: narrow,
  tokens: 390,
  options: { causal: true, window: { left: 130 } },
});

testKernels(engines, 'statistics of a rolling cache are those of the whole sequence', async (t, engine) => {
  using layer = await engine.multiHeadAttention(layerOf(measured));
  using cache = layer.createCache({ maxTokens: 130, rolling: true });
  const asked = { headStatistics: true } as const;
  for (const length of [100, 28, 2, 1, 1, 1, 100, 24, 1, 1, 1, 1, 120, 1, 3]) {
    const [stretch] = await feed(measured, layer, cache, [length], asked);
    checkStretch(t, measured, stretch!, asked);
  }
});
testKernels(engines, 'a rolling cache of 16 bits, against one that keeps all', async (t, engine) => {
  const given = cachedCase({ widths: narrow, tokens: 500, options: { causal: true, window: { left: 90 } } });
  using layer = await engine.multiHeadAttention(layerOf(given));
  for (const dtype of ['f16', 'bf16'] as const) {
    using rolling = layer.createCache({ maxTokens: 90, rolling: true, dtype });
    using keeping = layer.createCache({ maxTokens: 500, dtype });
    const lengths = randomLengths(500, 90);
    const wanted = await feed(given, layer, keeping, lengths);
    const got = await feed(given, layer, rolling, lengths);
    got.forEach(({ result }, n) => {
      assertSameBytes(t, result.output.data, wanted[n]!.result.output.data, `${dtype}, call ${n}`);
    });
  }
});

testKernels(engines, 'a batch that rolls, cut at different lengths', async (t, engine) => {
  const options = { causal: true, window: { left: 40 } } as const;
  const both = [1, 2].map((seed) => cachedCase({ widths: narrow, tokens: 420, options, seed }));
  using layer = await engine.multiHeadAttention(layerOf(both[0]!));
  using cache = layer.createCache({ maxTokens: 100, batch: 2, rolling: true });
  const x = createTensor(
    [2, 420, 6],
    both.flatMap(({ x: own }) => [...own.data]),
  );
  for (let n = 0; n < 4; n++) await prefill({ x, options }, layer, cache, 100);
  cache.truncate([400, 371]);
  for (const length of [1, 9, 1]) {
    const [a, b] = cache.tokens as readonly [number, number];
    const parts = [stretchOf(both[0]!.x, a, a + length), stretchOf(both[1]!.x, b, b + length)];
    const rows = createTensor(
      [2, length, 6],
      parts.flatMap(({ data }) => [...data]),
    );
    const { output } = await layer.forward(rows, { ...options, cache });
    checkRows(t, both[0]!, { from: a, to: a + length, output: output.data.slice(0, length * 6) });
    checkRows(t, both[1]!, { from: b, to: b + length, output: output.data.slice(length * 6) });
  }
});
