// Calls with a cache against the oracle on the whole sequence: stretches of any length, with every option, around
// the edges of pages.
import { createRandom } from '../../src/core/tensor/random.js';
import {
  cachedCase,
  checkRows,
  checkStretch,
  feed,
  grouped,
  layerOf,
  prefill,
  type SequenceOptions,
} from '../helpers/cached-case.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import type { LayerWidths } from '../helpers/layer-case.js';
import { normalTensor } from '../helpers/random.js';

const engines = openEngines();
const f32 = (...numbers: number[]): number[] => numbers.map(Math.fround);

const optionsByName: Readonly<Record<string, SequenceOptions>> = {
  'causality alone': { causal: true },
  'no causality': {},
  'a window behind': { causal: true, window: { left: 7 } },
  'a window to both sides': { window: { left: 300, right: 2 } },
  ALiBi: { causal: true, alibiSlopes: f32(0.5, 0.25, 0.1, 0.01) },
  'ALiBi without causality': { alibiSlopes: f32(0.5, 0.25, 0.1, 0.01) },
  'rotary positions': { causal: true, rope: { base: 10_000 } },
  'interleaved rotary positions of some dims': {
    causal: true,
    rope: { base: 100, dims: 4, interleaved: true },
  },
  'normalised queries and keys': {
    causal: true,
    rope: { base: 500 },
    qkNorm: { q: normalTensor([8], 5).data, k: normalTensor([8], 6).data, epsilon: 1e-5 },
  },
  'a softcap, a scale and sinks': {
    causal: true,
    softcap: 3,
    scale: -0.7,
    sinks: f32(0.3, -1, 4, -Infinity),
  },
  'head scales': { causal: true, headScale: f32(1, 0, -2, 0.5) },
  everything: {
    causal: true,
    window: { left: 259 },
    rope: { base: 10_000 },
    softcap: 5,
    scale: 0.4,
    alibiSlopes: f32(0.1, 0.01, 0.2, 0),
    sinks: f32(0, 1, 2, 3),
    headScale: f32(1, 2, 0, -1),
  },
};

// Short stretches, a long one to reach what counts as decoding, and short ones again.
const lengths = [1, 1, 6, 2, 17, 1, 0, 230, 1, 1, 3, 1];

for (const [name, options] of Object.entries(optionsByName)) {
  const given = cachedCase({ tokens: 264, options });
  testKernels(engines, `stretches of a sequence with ${name}`, async (t, engine) => {
    using layer = await engine.multiHeadAttention(layerOf(given));
    using cache = layer.createCache({ maxTokens: 264 });
    const asked = { returnLogSumExp: true };
    for (const stretch of await feed(given, layer, cache, lengths, asked)) {
      if (stretch.to - stretch.from < 20) checkStretch(t, given, stretch, asked);
    }
    t.deepEqual(cache.tokens, [264]);
  });
}

const widthsByName: Readonly<Record<string, LayerWidths>> = {
  'one narrow head': { heads: 1, headDim: 1, modelDim: 3 },
  'heads of odd widths': { heads: 2, headDim: 5, valueDim: 3, modelDim: 7, outputDim: 4 },
  'wide heads': { heads: 2, kvHeads: 1, headDim: 64, modelDim: 16 },
  'many heads on one': { heads: 9, kvHeads: 1, headDim: 4, modelDim: 6 },
  'a learned key': { ...grouped, hasBiasKey: true },
  'a learned key and one of zeros': { ...grouped, hasBiasKey: true, addZeroAttention: true },
};

for (const [name, widths] of Object.entries(widthsByName)) {
  const given = cachedCase({ widths, tokens: 270 });
  testKernels(engines, `stretches through ${name}`, async (t, engine) => {
    using layer = await engine.multiHeadAttention(layerOf(given));
    using cache = layer.createCache({ maxTokens: 270 });
    const asked = { returnWeights: true, returnLogSumExp: true } as const;
    for (const stretch of await feed(given, layer, cache, [3, 1], asked)) {
      checkStretch(t, given, stretch, asked);
    }
    await prefill(given, layer, cache, 255);
    for (const stretch of await feed(given, layer, cache, [1, 2], asked)) checkStretch(t, given, stretch);
    // Without weights, which take another path where one token is decoded.
    for (const stretch of await feed(given, layer, cache, [1])) checkStretch(t, given, stretch);
  });
}

for (const before of [0, 126, 127, 128, 129, 255]) {
  const given = cachedCase({ tokens: before + 134, options: { causal: true, rope: { base: 100 } } });
  testKernels(engines, `tokens after ${before}, across the edges of pages`, async (t, engine) => {
    using layer = await engine.multiHeadAttention(layerOf(given));
    using cache = layer.createCache({ maxTokens: before + 134 });
    await prefill(given, layer, cache, before);
    for (const stretch of await feed(given, layer, cache, [1, 1, 2])) checkStretch(t, given, stretch);
    await feed(given, layer, cache, [129]);
    for (const stretch of await feed(given, layer, cache, [1])) checkStretch(t, given, stretch);
  });
}

const whole = cachedCase({ tokens: 150, options: { causal: true, rope: { base: 10_000 } } });

for (const seed of [1, 3]) {
  testKernels(engines, `stretches of random lengths equal one forward pass (${seed})`, async (t, engine) => {
    using layer = await engine.multiHeadAttention(layerOf(whole));
    using cache = layer.createCache({ maxTokens: 150 });
    const output: number[] = [];
    for (const { result } of await feed(whole, layer, cache, randomLengths(150, seed))) {
      output.push(...result.output.data);
    }
    checkRows(t, whole, { from: 0, to: 150, output: Float32Array.from(output) });
    const { output: atOnce } = await layer.forward(whole.x, whole.options);
    checkRows(t, whole, { from: 0, to: 150, output: atOnce.data });
  });
}

function randomLengths(total: number, seed: number): number[] {
  const random = createRandom(seed);
  const most = 4 ** seed;
  const lengths: number[] = [];
  for (let left = total; left > 0; left -= lengths.at(-1)!) {
    lengths.push(Math.min(left, Math.floor(random.uniform() * most) + 1));
  }
  return lengths;
}
