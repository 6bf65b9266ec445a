// One token after so many that its keys are split into ranges, which several workers take.
import { assertSameBytes } from '../helpers/assertions.js';
import { cachedCase, checkStretch, feed, layerOf, prefill } from '../helpers/cached-case.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import type { LayerWidths } from '../helpers/layer-case.js';
import { assertClose } from '../helpers/tolerance.js';

const engines = openEngines(3);
const widths: LayerWidths = { heads: 4, kvHeads: 2, headDim: 6, valueDim: 5, modelDim: 8, hasBiasKey: true };
const given = cachedCase({
  widths,
  tokens: 4102,
  options: { causal: true, rope: { base: 10_000 }, sinks: [0, 1, 2, -Infinity], softcap: 6 },
});

testKernels(engines, 'tokens around 4,096 keys', async (t, engine) => {
  using layer = await engine.multiHeadAttention(layerOf(given));
  using cache = layer.createCache({ maxTokens: 4102 });
  const asked = { returnLogSumExp: true };
  await prefill(given, layer, cache, 4095);
  for (const stretch of await feed(given, layer, cache, [1, 1, 2], asked)) {
    checkStretch(t, given, stretch, asked);
  }
  // Weights are computed in one piece.
  const [stretch] = await feed(given, layer, cache, [1], { ...asked, returnWeights: true });
  checkStretch(t, given, stretch!, asked);
});

testKernels(engines, 'ranges of keys in 16 bits give what one piece gives', async (t, engine) => {
  using layer = await engine.multiHeadAttention(layerOf(given));
  using cache = layer.createCache({ maxTokens: 4102, dtype: 'bf16' });
  await prefill(given, layer, cache, 4099);
  const [split] = await feed(given, layer, cache, [1]);
  cache.truncate(4099);
  const [whole] = await feed(given, layer, cache, [1], { returnWeights: true });
  cache.truncate(4099);
  const [pair] = await feed(given, layer, cache, [2]);
  assertClose(t, split!.result.output.data, whole!.result.output.data);
  assertClose(t, split!.result.output.data, pair!.result.output.data.subarray(0, 8));
});

testKernels(engines, 'a window over two ranges of a cache that rolls', async (t, engine) => {
  const options = { causal: true, window: { left: 4100 } } as const;
  using layer = await engine.multiHeadAttention(layerOf(given));
  using rolling = layer.createCache({ maxTokens: 4100, rolling: true });
  using keeping = layer.createCache({ maxTokens: 9000 });
  const x = cachedCase({ widths, tokens: 8300 }).x;
  for (const cache of [rolling, keeping]) {
    await prefill({ x, options: {} }, layer, cache, 4100);
    await prefill({ x, options: {} }, layer, cache, 4100);
  }
  const got = await feed({ x, options }, layer, rolling, [1, 1, 3, 1]);
  const wanted = await feed({ x, options }, layer, keeping, [1, 1, 3, 1]);
  got.forEach(({ result }, n) => {
    assertClose(t, result.output.data, wanted[n]!.result.output.data);
  });
  rolling.truncate(8200);
  const again = await feed({ x, options }, layer, rolling, [1]);
  assertSameBytes(t, again[0]!.result.output.data, got[0]!.result.output.data);
});
