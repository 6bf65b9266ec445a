// Caches of 16 bits: they hold exactly what one of float32 holds, rounded, and calls compute from that at full
// precision.
import type { ExecutionContext } from 'ava';
import type { Engine } from '../../src/index.js';
import { decodeInto, encodeInto } from '../../src/core/tensor/dtype.js';
import { createTensor, type Tensor } from '../../src/core/tensor/tensor.js';
import { assertSameBytes } from '../helpers/assertions.js';
import {
  cachedCase,
  checkStretch,
  feed,
  layerOf,
  prefill,
  type CachedCase,
  type SequenceOptions,
} from '../helpers/cached-case.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import type { LayerWidths } from '../helpers/layer-case.js';
import { normalTensor } from '../helpers/random.js';
import { identity, readableWeights, readCache, type HeldRows } from '../helpers/read-cache.js';

const engines = openEngines();
const grouped: LayerWidths = { heads: 4, kvHeads: 2, headDim: 8, valueDim: 6, modelDim: 20 };
const wide: LayerWidths = { heads: 2, kvHeads: 1, headDim: 40, valueDim: 36, modelDim: 44 };
const odd: LayerWidths = { heads: 3, headDim: 5, valueDim: 3, modelDim: 11 };

function rounded(numbers: Tensor, dtype: 'f16' | 'bf16'): Float32Array {
  const stored = new Uint16Array(numbers.data.length);
  encodeInto(stored, numbers.data, dtype);
  const decoded = new Float32Array(stored.length);
  decodeInto(decoded, stored, dtype);
  return decoded;
}

/** A case as one whose keys and values are given: those that a cache holds, already normalised and turned. */
function onHeld(given: CachedCase, held: HeldRows): CachedCase {
  const weights = {
    ...given.weights,
    key: identity(held.keys.shape[2]!),
    value: identity(held.values.shape[2]!),
  };
  return { ...given, weights, held };
}

async function checkStorage(
  t: ExecutionContext,
  engine: Engine,
  given: CachedCase,
  { dtype, before, lengths }: { dtype: 'f16' | 'bf16'; before: number; lengths: readonly number[] },
): Promise<void> {
  using layer = await engine.multiHeadAttention(layerOf(given));
  using exact = layer.createCache({ maxTokens: given.x.shape[1]! + 128 });
  await prefill(given, layer, exact, before);
  await feed(given, layer, exact, lengths);
  const { keys, values } = await readCache(layer, exact);

  using cache = layer.createCache({ maxTokens: given.x.shape[1]! + 128, dtype });
  await prefill(given, layer, cache, before);
  const asked = { returnLogSumExp: true };
  const stretches = await feed(given, layer, cache, lengths, asked);
  const held = await readCache(layer, cache);
  assertSameBytes(t, held.keys.data, rounded(keys, dtype), 'keys');
  assertSameBytes(t, held.values.data, rounded(values, dtype), 'values');
  const wanted = onHeld(given, held);
  for (const stretch of stretches) checkStretch(t, wanted, stretch, asked);
}

const optionsByName: Readonly<Record<'f16' | 'bf16', Readonly<Record<string, SequenceOptions>>>> = {
  f16: {
    'causality alone': { causal: true },
    'rotary positions and a window': { causal: true, window: { left: 200 }, rope: { base: 10_000 } },
  },
  bf16: {
    'rotary positions': { causal: true, rope: { base: 100, interleaved: true } },
    'ALiBi, a softcap and sinks': {
      causal: true,
      alibiSlopes: [0.5, 0.25, 0.125, 0],
      softcap: 4,
      sinks: [0, 1, -Infinity, 2],
    },
  },
};

for (const dtype of ['f16', 'bf16'] as const) {
  for (const [name, options] of Object.entries(optionsByName[dtype])) {
    const given = {
      ...cachedCase({ widths: grouped, tokens: 275, options }),
      weights: readableWeights(grouped),
    };
    testKernels(engines, `${dtype} with ${name}`, async (t, engine) => {
      await checkStorage(t, engine, given, { dtype, before: 0, lengths: [1, 5, 1, 3] });
      await checkStorage(t, engine, given, { dtype, before: 255, lengths: [1, 1, 3, 1] });
    });
  }
  for (const [name, widths] of Object.entries({ 'wide heads': wide, 'heads of odd widths': odd })) {
    const given = { ...cachedCase({ widths, tokens: 262, seed: 7 }), weights: readableWeights(widths) };
    testKernels(engines, `${dtype} with ${name}`, async (t, engine) => {
      await checkStorage(t, engine, given, { dtype, before: 257, lengths: [1, 3] });
    });
  }
}

testKernels(
  engines,
  'numbers that 16 bits hold in part: tiny, huge, and those halfway',
  async (t, engine) => {
    const special = [2 ** -24, 2 ** -25, 3 * 2 ** -25, 6e-8, 65_504, 65_519, 1 + 2 ** -11, 1 + 3 * 2 ** -11];
    const widths: LayerWidths = { heads: 1, headDim: 4, modelDim: 8, hasBias: false };
    const zeros = readableWeights({ ...widths, heads: 1 });
    const copy = createTensor(
      [4, 8],
      Array.from({ length: 32 }, (_, n) => (n % 9 === 0 ? 1 : 0)),
    );
    const weights = { ...zeros, key: { weight: copy }, value: { weight: copy } };
    using layer = await engine.multiHeadAttention({ heads: 1, weights });
    const numbers = special.flatMap((number) => [number, -number, number / 3, -0]);
    const x = createTensor(
      [1, 8, 8],
      numbers.flatMap((_, n) => (n % 4 === 0 ? [...numbers.slice(n, n + 4), 0, 0, 0, 0] : [])),
    );
    for (const dtype of ['f16', 'bf16'] as const) {
      using cache = layer.createCache({ maxTokens: 140, dtype });
      await prefill({ x, options: {} }, layer, cache, 8);
      const { keys, values } = await readCache(layer, cache);
      const wanted = rounded(createTensor([32], numbers), dtype);
      // Sums of a product lose the sign of zero.
      t.deepEqual(
        [...keys.data].map((number) => number + 0),
        [...wanted].map((number) => number + 0),
      );
      t.deepEqual(
        [...values.data].map((number) => number + 0),
        [...wanted].map((number) => number + 0),
      );
    }
  },
);

testKernels(engines, 'a cache of float32 holds what the layer projects', async (t, engine) => {
  const qkNorm = { q: normalTensor([8], 5).data, k: normalTensor([8], 6).data };
  const plain = { ...cachedCase({ widths: grouped, tokens: 140 }), weights: readableWeights(grouped) };
  const given = { ...plain, options: { ...plain.options, rope: { base: 50 }, qkNorm } };
  using layer = await engine.multiHeadAttention(layerOf(given));
  using inOne = layer.createCache({ maxTokens: 300 });
  using byOne = layer.createCache({ maxTokens: 300 });
  await prefill(given, layer, inOne, 140);
  await feed(given, layer, byOne, [1, 127, 2, 10]);
  const [wanted, got] = [await readCache(layer, inOne), await readCache(layer, byOne)];
  assertSameBytes(t, got.keys.data, wanted.keys.data, 'keys');
  assertSameBytes(t, got.values.data, wanted.values.data, 'values');
});
