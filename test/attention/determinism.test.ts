// The same bytes however the work is spread: over threads, over batches, beside whichever neighbours.
import test from 'ava';
import {
  createEngine,
  type AttentionInputs,
  type AttentionOptions,
  type Engine,
  type MultiHeadWeights,
  type Tensor,
} from '../../src/index.js';
import type { KernelName } from '../../src/core/protocol/kernels.js';
import { attentionCase } from '../helpers/attention-case.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { kernels } from '../helpers/engines.js';
import { layerWeights } from '../helpers/layer-case.js';
import { normalTensor, randomMask } from '../helpers/random.js';

const [heads, kvHeads, tokens, modelDim] = [6, 2, 130, 30];
const weights: MultiHeadWeights = layerWeights({ heads, kvHeads, headDim: 5, modelDim });
const x = normalTensor([4, tokens, modelDim], 1);
const mask = randomMask([4, 1, tokens, tokens], 2, 0.7);
const attention: AttentionInputs = {
  ...attentionCase({ batch: 4, heads, kvHeads, queries: tokens, headDim: 9, valueDim: 7, mask }).inputs,
  causal: true,
  returnLogSumExp: true,
};

// Few rows on more keys than two ranges, and a ragged batch of few rows on more keys than one, and of more rows.
const decoding = attentionCase({ heads: 4, kvHeads: 2, queries: 2, keys: 9000, headDim: 9, valueDim: 7 });
const [fewRows, manyRows] = [normalTensor([64, modelDim], 3), normalTensor([4257, modelDim], 4)];
const raggedRows = {
  offsets: [0, 1, 62, 64],
  keyOffsets: [0, 4097, 4157, 4257],
  causal: 'bottom-right',
} as const;

type Results = Record<string, Float32Array>;

async function runAll(engine: Engine): Promise<Results> {
  using layer = await engine.multiHeadAttention({ heads, kvHeads, weights });
  const perHead = await engine.attention({ ...attention, returnWeights: true });
  const mean = await engine.attention({ ...attention, returnWeights: 'mean' });
  const forward = await layer.forward(x, { causal: true, returnWeights: 'mean' });
  const flat = { shape: [4 * tokens, modelDim], data: x.data };
  const ragged = await layer.forward(flat, { offsets: [0, 1, 50, 300, 4 * tokens] });
  const few = await engine.attention({ ...decoding.inputs, returnLogSumExp: true });
  const raggedFew = await layer.forward({ query: fewRows, key: manyRows }, raggedRows);
  return {
    decoding: few.output.data,
    decodingLogSumExp: few.logSumExp!.data,
    decodingRagged: raggedFew.output.data,
    attention: perHead.output.data,
    weights: perHead.weights!.data,
    logSumExp: perHead.logSumExp!.data,
    meanWeights: mean.weights!.data,
    layer: forward.output.data,
    layerWeights: forward.weights!.data,
    ragged: ragged.output.data,
  };
}

const runOn = async (
  kernel: KernelName,
  threads: number,
  body: (engine: Engine) => Promise<void>,
): Promise<void> => {
  const engine = await createEngine({ kernel, threads });
  try {
    await body(engine);
  } finally {
    await engine.close();
  }
};

for (const kernel of kernels) {
  test(`${kernel}: 1, 2, 3 and 8 threads give the same bytes, run after run`, async (t) => {
    let wanted: Results | undefined;
    for (const threads of [1, 2, 3, 8]) {
      await runOn(kernel, threads, async (engine) => {
        const results = await runAll(engine);
        wanted ??= results;
        for (const [name, numbers] of Object.entries(results)) {
          assertSameBytes(t, numbers, wanted[name]!, `${name} on ${threads} threads`);
        }
        const again = await runAll(engine);
        for (const [name, numbers] of Object.entries(again))
          assertSameBytes(t, numbers, wanted[name]!, `${name} again`);
      });
    }
  });

  test(`${kernel}: calls that overlap have the bytes of calls one by one`, async (t) => {
    await runOn(kernel, 3, async (engine) => {
      const wanted = await runAll(engine);
      for (const results of await Promise.all([runAll(engine), runAll(engine), runAll(engine)])) {
        for (const [name, numbers] of Object.entries(results))
          assertSameBytes(t, numbers, wanted[name]!, name);
      }
    });
  });

  test(`${kernel}: a batch entry has the same bytes alone, in a part of the batch, and ragged`, async (t) => {
    await runOn(kernel, 2, async (engine) => {
      using layer = await engine.multiHeadAttention({ heads, kvHeads, weights, causal: true });
      const whole = await layer.forward(x);
      const size = tokens * modelDim;
      const partOf = ({ data }: Tensor, first: number, count: number) =>
        data.subarray(first * size, (first + count) * size);
      for (const [first, count] of [
        [0, 1],
        [1, 1],
        [3, 1],
        [0, 3],
        [1, 3],
        [2, 2],
      ] as const) {
        const part = await layer.forward({ shape: [count, tokens, modelDim], data: partOf(x, first, count) });
        assertSameBytes(
          t,
          part.output.data,
          partOf(whole.output, first, count),
          `entries ${first} … ${first + count - 1}`,
        );
      }
      const flat = { shape: [4 * tokens, modelDim], data: x.data };
      const ragged = await layer.forward(flat, { offsets: [0, tokens, 2 * tokens, 3 * tokens, 4 * tokens] });
      assertSameBytes(t, ragged.output.data, whole.output.data, 'ragged');
    });
  });

  test(`${kernel}: padding and key lengths give the bytes of the shorter sequence alone`, async (t) => {
    await runOn(kernel, 2, async (engine) => {
      using layer = await engine.multiHeadAttention({ heads, kvHeads, weights });
      for (const length of [1, 63, 64, 65, 100]) {
        const padded = await layer.forward(x, { keyLengths: [length, tokens, tokens, tokens] });
        const rows = length * modelDim;
        const alone = await layer.forward({ shape: [length, modelDim], data: x.data.subarray(0, rows) });
        assertSameBytes(t, padded.output.data.subarray(0, rows), alone.output.data, `${length} keys`);
      }
    });
  });

  test(`${kernel}: the first tokens of a causal sequence have the bytes of a shorter one`, async (t) => {
    await runOn(kernel, 2, async (engine) => {
      using layer = await engine.multiHeadAttention({ heads, kvHeads, weights, causal: true });
      const run = (length: number, options: AttentionOptions = {}) =>
        layer.forward({ shape: [length, modelDim], data: x.data.subarray(0, length * modelDim) }, options);
      const whole = await run(tokens);
      for (const length of [1, 47, 48, 49, 64, 65, 97, 129]) {
        const { output } = await run(length);
        assertSameBytes(t, output.data, whole.output.data.subarray(0, length * modelDim), `${length} tokens`);
      }
    });
  });
}
