// Memory on a device: little beside inputs and outputs however many tokens there are, and as much as was predicted.
import test from 'ava';
import { describeAttention } from '../../src/attention/attention-call.js';
import { describeLayerCall } from '../../src/attention/layer-call.js';
import { createXavierWeights } from '../../src/attention/xavier.js';
import { resolveWeights } from '../../src/attention/weights.js';
import { createEngine, type Engine } from '../../src/engine/engine.js';
import { predictAttention, predictLayer } from '../../src/engine/assemble/predict-bytes.js';
import { openGpuEngine } from '../helpers/gpu-engine.js';
import { normalTensor } from '../helpers/random.js';
import { gpuTest } from '../helpers/software-gpu.js';

const engineOf = openGpuEngine();
const traits = { unitRows: 4096, arena: 'device' } as const;

/** Bytes of the buffers of a call at their most, beside what lay there before. */
async function bufferBytes(engine: Engine, call: () => Promise<unknown>): Promise<number> {
  const before = engine.stats().device!;
  await call();
  const { peakBufferBytes } = engine.stats().device!;
  return peakBufferBytes - before.bufferBytes;
}

gpuTest('64 queries on 16,384 keys take under 20 MB beside inputs and output', async (t) => {
  await using engine = await createEngine({ device: 'gpu' });
  const [heads, queries, keys, headDim] = [2, 64, 16_384, 64];
  const q = normalTensor([1, heads, queries, headDim], 1);
  const [k, v] = [2, 3].map((seed) => normalTensor([1, heads, keys, headDim], seed));
  const taken = await bufferBytes(engine, () => engine.attention({ q, k: k!, v: v! }));
  const operands = [q, k!, v!, q].reduce((sum, { data }) => sum + data.byteLength, 0);
  t.true(taken > operands, `${taken}`);
  t.true(taken - operands < 20e6, `${taken - operands}`);
});

gpuTest('a call of 65,536 tokens takes what is predicted, within 5 %', async (t) => {
  await using engine = await createEngine({ device: 'gpu' });
  const [modelDim, heads, tokens] = [16, 2, 65_536];
  const weights = createXavierWeights({ modelDim, heads });
  using layer = await engine.multiHeadAttention({ heads, weights });
  const x = normalTensor([tokens, modelDim], 1);
  // A window, so that a software device can take it; it changes no buffer.
  const options = { causal: true, window: { left: 15 } };
  const taken = await bufferBytes(engine, () => layer.forward(x, options));
  const resolved = resolveWeights(weights, heads, heads);
  const call = describeLayerCall(resolved, x, options, layer);
  const predicted = predictLayer({ ...resolved, extra: null }, call, { traits, cacheUse: null });
  t.true(Math.abs(predicted / taken - 1) < 0.05, `${predicted} predicted, ${taken} taken`);
});

gpuTest('what is asked beside the output is predicted too', async (t) => {
  await using engine = await createEngine({ device: 'gpu' });
  const q = normalTensor([1, 4, 300, 16], 1);
  const k = normalTensor([1, 4, 700, 16], 2);
  const bias = normalTensor([300, 700], 3);
  const inputs = { q, k, v: k, bias, returnWeights: true } as const;
  const taken = await bufferBytes(engine, () => engine.attention(inputs));
  const predicted = predictAttention(describeAttention(inputs), traits);
  t.true(Math.abs(predicted / taken - 1) < 0.05, `${predicted} predicted, ${taken} taken`);
});

gpuTest(
  'a call that would take more than the limit is refused before anything goes to the device',
  async (t) => {
    await using engine = await createEngine({ device: 'gpu', memoryLimitBytes: 4e6 });
    const q = normalTensor([1, 4, 2000, 64], 1);
    await t.throwsAsync(engine.attention({ q, k: q, v: q }), { code: 'MEMORY_LIMIT' });
    t.is(engine.stats().device!.submissions, 0);
  },
);

gpuTest('a buffer over what the device has in one piece is refused by name', async (t) => {
  const { maxBufferSize } = engineOf().info.adapter!.limits;
  // Weights of 17,000 x 17,000 are over 1 GiB, and nothing of them is ever read.
  const side = Math.ceil(Math.sqrt(maxBufferSize / 4)) + 64;
  const q = { shape: [1, 1, side, 4], data: new Float32Array(new SharedArrayBuffer(16 * side)) };
  await t.throwsAsync(engineOf().attention({ q, k: q, v: q, returnWeights: true }), {
    code: 'MEMORY_LIMIT',
    message: /in one piece/,
  });
});

test('predictions for processors have no copies', (t) => {
  const q = normalTensor([1, 1, 8, 4], 1);
  const call = describeAttention({ q, k: q, v: q });
  const plain = { unitRows: 4096, arena: 'plain' } as const;
  t.is(predictAttention(call, plain), 4 * 32);
  t.is(predictAttention(call, traits), 4 * 32 * 3);
});
