// Values whose sum overflows before it is divided: whole calls give their mean, as the plain program does.
import type { ExecutionContext } from 'ava';
import type { Engine, MultiHeadAttention } from '../../src/index.js';
import type { Dtype } from '../../src/core/tensor/dtype.js';
import { createTensor, type Tensor } from '../../src/core/tensor/tensor.js';
import { attendOracle } from '../oracle/oracle.js';
import { attentionCase, type CaseOptions } from '../helpers/attention-case.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { randomMask } from '../helpers/random.js';
import { identity } from '../helpers/read-cache.js';
import { findDeviation } from '../helpers/tolerance.js';

const engineOf = openEngines();
const huge = 3e38;

testKernels(engineOf, 'two equal values of 3e38 give 3e38', async (t, engine) => {
  const q = createTensor([1, 1, 1, 1], [0]);
  const k = createTensor([1, 1, 2, 1], [0, 0]);
  const v = createTensor([1, 1, 2, 1], [huge, huge]);
  const { output } = await engine.attention({ q, k, v });
  t.is(output.data[0], Math.fround(huge));
});

/** Runs a case with every second value huge. */
async function checkHuge(t: ExecutionContext, engine: Engine, options: CaseOptions): Promise<void> {
  const { inputs, oracle } = attentionCase(options);
  inputs.v.data.forEach((value, n) => {
    if (n % 2 === 0) inputs.v.data[n] = huge * (1 - (Math.abs(value) % 0.5));
  });
  const { output } = await engine.attention(inputs);
  const wanted = attendOracle({ ...oracle, v: inputs.v.data }).output;
  t.is(findDeviation(output.data, wanted), undefined, JSON.stringify(oracle.dims));
}

const size = { batch: 2, heads: 4, kvHeads: 2, headDim: 8, valueDim: 10 };

testKernels(engineOf, 'sums that overflow in blocks of rows', async (t, engine) => {
  for (const queries of [9, 48, 100]) {
    await checkHuge(t, engine, { ...size, queries, causal: 'top-left' });
    await checkHuge(t, engine, { ...size, queries, keys: 130, mask: randomMask([queries, 130], 1) });
    await checkHuge(t, engine, {
      ...size,
      queries,
      sinks: [0, 5, -5, -Infinity],
      headScale: [1, 0, -1, 0.5],
    });
    await checkHuge(t, engine, { ...size, queries, keys: 70, keyLengths: [3, 70] });
  }
});

testKernels(
  engineOf,
  'sums that overflow while decoding, within a range of keys and beyond',
  async (t, engine) => {
    for (const keys of [300, 4200]) {
      const decoding = { ...size, queries: 1, keys };
      await checkHuge(t, engine, decoding);
      await checkHuge(t, engine, { ...decoding, mask: randomMask([keys], 1) });
      await checkHuge(t, engine, { ...decoding, sinks: [0, 5, -5, -Infinity], headScale: [1, 0, -1, 0.5] });
      await checkHuge(t, engine, { ...decoding, causal: 'bottom-right', window: { left: 150 } });
    }
  },
);

testKernels(engineOf, 'ranges whose sums overflow only together', async (t, engine) => {
  const { inputs, oracle } = attentionCase({ queries: 1, keys: 4100, headDim: 1, valueDim: 1, scale: 0 });
  // Both ranges stay below the largest number.
  inputs.v.data.fill(0);
  inputs.v.data.fill(huge, 4095, 4097);
  const { output } = await engine.attention(inputs);
  const wanted = attendOracle({ ...oracle, v: inputs.v.data }).output;
  t.is(findDeviation(output.data, wanted), undefined);
});

const width = 6;
const nothing = { weight: createTensor([width, width]) };
const weights = {
  query: nothing,
  key: nothing,
  value: identity(width),
  output: identity(width),
};

// Numbers that each type holds exactly.
const largest: Readonly<Record<Dtype, number>> = { f32: huge, bf16: 1.75 * 2 ** 127, f16: 65504 };

/** The last of so many tokens after a cache has seen the others. */
async function step(layer: MultiHeadAttention, dtype: Dtype, tokens: number, token: readonly number[]) {
  using cache = layer.createCache({ maxTokens: tokens, dtype });
  const rows = (count: number): Tensor =>
    createTensor(
      [1, count, width],
      Array.from({ length: count * width }, (_, n) => token[n % width]!),
    );
  // With all heads off, only keys and values are computed.
  await layer.forward(rows(tokens - 1), { headScale: [0, 0], causal: true, cache });
  return await layer.forward(rows(1), { causal: true, cache });
}

testKernels(engineOf, 'caches of every storage type, in one piece and over ranges', async (t, engine) => {
  using layer = await engine.multiHeadAttention({ heads: 2, weights });
  for (const [dtype, value] of Object.entries(largest) as [Dtype, number][]) {
    for (const tokens of [300, 4200]) {
      const { output } = await step(layer, dtype, tokens, new Array<number>(width).fill(value));
      const wanted = new Array<number>(width).fill(value);
      t.is(findDeviation(output.data, wanted), undefined, `${dtype}, ${tokens} tokens`);
    }
  }
});

testKernels(
  engineOf,
  'what 16 bits can not hold is infinite in a cache, and so is its mean',
  async (t, engine) => {
    const sum = { weight: createTensor([1, width], new Array<number>(width).fill(1)) };
    using layer = await engine.multiHeadAttention({ heads: 2, weights: { ...weights, output: sum } });
    for (const tokens of [300, 4200]) {
      const { output } = await step(layer, 'f16', tokens, [1, 1e5, 1, 1, 1, 1]);
      t.is(output.data[0], Infinity, `${tokens} tokens`);
    }
  },
);
