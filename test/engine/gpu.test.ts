// An engine whose device is a GPU, on the software device: what it is given and asked, its memory, and what it survives.
import test, { type ExecutionContext } from 'ava';
import { createXavierWeights } from '../../src/attention/xavier.js';
import type { AttentionResult } from '../../src/attention/result.js';
import { createEngine, startEngine, type Engine } from '../../src/engine/engine.js';
import { openGpuEngine } from '../helpers/gpu-engine.js';
import { normalTensor } from '../helpers/random.js';
import { gpuTest } from '../helpers/software-gpu.js';
import { failingScale, losingScale } from './workers/losing-gpu.js';

const engineOf = openGpuEngine();
const [modelDim, heads] = [16, 2];
const weights = createXavierWeights({ modelDim, heads });

gpuTest('the engine says on what it computes', (t) => {
  const { info } = engineOf();
  t.is(info.device, 'gpu');
  t.is(info.kernel, 'wgsl');
  t.is(info.threads, 1);
  t.regex(info.adapter!.name, /swiftshader/i);
  t.is(info.adapter!.backend, 'Vulkan');
  t.true(info.adapter!.limits.maxComputeWorkgroupStorageSize >= 16_384);
});

test('kernels belong to devices', async (t) => {
  await t.throwsAsync(createEngine({ device: 'gpu', kernel: 'native' }), {
    code: 'INVALID_OPTION',
    message: /auto, wgsl, gpujs beside device gpu/,
  });
  await t.throwsAsync(createEngine({ kernel: 'wgsl' }), { code: 'INVALID_OPTION' });
  await t.throwsAsync(createEngine({ device: 'gpu', threads: 2 }), { code: 'INVALID_OPTION' });
  await t.throwsAsync(createEngine({ device: 'tpu' as never }), {
    code: 'INVALID_OPTION',
    message: /'cpu' or 'gpu'/,
  });
});

/** What a call adds to the counts of the device. */
async function countsOf(engine: Engine, call: () => Promise<unknown>) {
  const before = engine.stats().device!;
  await call();
  const after = engine.stats().device!;
  return Object.fromEntries(
    Object.entries(after).map(([name, count]) => [name, count - before[name as keyof typeof before]]),
  );
}

gpuTest(
  'weights go to the device once; a call is one upload an operand, one submission, one read-back a result',
  async (t) => {
    const engine = engineOf();
    const packed = engine.stats().device!;
    using layer = await engine.multiHeadAttention({ heads, weights });
    const weightBytes = engine.stats().device!.uploadBytes - packed.uploadBytes;
    t.true(weightBytes >= 4 * 4 * modelDim * modelDim);
    const x = normalTensor([9, modelDim], 1);
    for (let n = 0; n < 2; n++) {
      const counts = await countsOf(engine, () => layer.forward(x));
      // The input, and the tables of all dispatches together.
      t.is(counts['uploads'], 2);
      t.true(counts['uploadBytes']! < 4 * 9 * modelDim + 8192);
      t.is(counts['submissions'], 1);
      t.is(counts['dispatches'], 5);
      t.is(counts['translatedDispatches'], 0);
      t.is(counts['readBacks'], 1);
      t.is(counts['bufferBytes'], 0);
    }
    const cross = { query: x, key: normalTensor([12, modelDim], 2), value: normalTensor([12, modelDim], 3) };
    const crossed = await countsOf(engine, () => layer.forward(cross));
    t.is(crossed['uploads'], 4);
    const asked = await countsOf(engine, () =>
      layer.forward(x, { returnWeights: true, returnLogSumExp: true }),
    );
    t.is(asked['readBacks'], 3);
    t.is(asked['uploads'], 2);
  },
);

gpuTest('heads that are switched off are not dispatched', async (t) => {
  const engine = engineOf();
  const q = normalTensor([1, 4, 40, 8], 1);
  const { output } = await engine.attention({ q, k: q, v: q, headScale: [0, 1, 0, 0] });
  t.true([...output.data.subarray(0, 320), ...output.data.subarray(640)].every((number) => number === 0));
  t.true(output.data.subarray(320, 640).some((number) => number !== 0));
});

gpuTest('a layer that is disposed gives its memory on the device back', async (t) => {
  const engine = engineOf();
  const before = engine.stats().device!.bufferBytes;
  const layer = await engine.multiHeadAttention({ heads, weights });
  await layer.forward(normalTensor([5, modelDim], 1), { headStatistics: true });
  t.true(engine.stats().device!.bufferBytes > before);
  layer.dispose();
  // The worker hears of it with the next call.
  const q = normalTensor([1, 1, 4, 8], 1);
  await engine.attention({ q, k: q, v: q });
  t.is(engine.stats().device!.bufferBytes, before);
});

gpuTest('calls overlap, and each has the bytes that it has alone', async (t) => {
  const engine = engineOf();
  using layer = await engine.multiHeadAttention({ heads, weights });
  const inputs = [33, 1, 17, 64, 5].map((tokens, seed) => normalTensor([tokens, modelDim], seed));
  const alone: AttentionResult[] = [];
  for (const x of inputs) alone.push(await layer.forward(x, { causal: true }));
  const together = await Promise.all(inputs.map((x) => layer.forward(x, { causal: true })));
  together.forEach(({ output }, n) => t.deepEqual(output.data, alone[n]!.output.data));
});

gpuTest('the bytes of a sequence depend on no neighbour and on no cut of the batch', async (t) => {
  const engine = engineOf();
  using layer = await engine.multiHeadAttention({ heads, weights });
  const lengths = [7, 40, 33, 1];
  const parts = lengths.map((tokens, seed) => normalTensor([tokens, modelDim], seed));
  const offsets = lengths.reduce<number[]>((starts, length) => [...starts, starts.at(-1)! + length], [0]);
  const data = Float32Array.from(parts.flatMap((part) => [...part.data]));
  const all = await layer.forward({ shape: [offsets.at(-1)!, modelDim], data }, { offsets, causal: true });
  for (const [n, part] of parts.entries()) {
    const { output } = await layer.forward(part, { causal: true });
    t.deepEqual(all.output.data.slice(offsets[n]! * modelDim, offsets[n + 1]! * modelDim), output.data);
  }
});

gpuTest('a cache is refused by name', async (t) => {
  using layer = await engineOf().multiHeadAttention({ heads, weights });
  await t.throwsAsync(
    async () => {
      await layer.forward(normalTensor([2, modelDim], 1), { cache: layer.createCache({ maxTokens: 8 }) });
    },
    { code: 'INVALID_OPTION', message: /no `cache`.*device 'cpu' can/ },
  );
});

async function assertGoesOn(t: ExecutionContext, scale: number, problem: RegExp): Promise<void> {
  const warnings: string[] = [];
  const logger = { warn: (message: string) => warnings.push(message) };
  await using engine = await startEngine(
    { device: 'gpu', logger },
    new URL('workers/losing-gpu.js', import.meta.url),
  );
  using layer = await engine.multiHeadAttention({ heads, weights });
  const x = normalTensor([6, modelDim], 1);
  const { output } = await layer.forward(x);
  const open = [layer.forward(x, { scale }), layer.forward(x)];
  await t.throwsAsync(open[0]!, { code: 'DEVICE_LOST', message: problem });
  await Promise.allSettled(open);
  // On a new device, with the weights there again.
  const again = await layer.forward(x);
  t.deepEqual(again.output.data, output.data);
  t.true(
    warnings.some((warning) => warning.includes('device was lost')),
    warnings.join('\n'),
  );
}

gpuTest('a device that is lost fails the calls on it, and the engine goes on with another', async (t) => {
  await assertGoesOn(t, losingScale, /device was lost/);
});

gpuTest('an error that belongs to no call fails those on the device', async (t) => {
  await assertGoesOn(t, failingScale, /device was lost/);
});

gpuTest('a worker that is ended gives its device back, and another takes the call up', async (t) => {
  await using engine = await createEngine({ device: 'gpu' });
  using layer = await engine.multiHeadAttention({ heads, weights });
  const x = normalTensor([6, modelDim], 1);
  const { output } = await layer.forward(x);
  for (let n = 0; n < 3; n++) {
    const call = layer.forward(x);
    await engine.terminateWorker(0);
    t.deepEqual((await call).output.data, output.data);
  }
});

gpuTest('an engine that is closed by a time stops its calls on the device', async (t) => {
  const engine = await createEngine({ device: 'gpu' });
  const layer = await engine.multiHeadAttention({ heads, weights });
  const x = normalTensor([3000, modelDim], 1);
  const calls = Array.from({ length: 30 }, () => layer.forward(x));
  const ended = Promise.allSettled(calls);
  await engine.close({ timeoutMs: 0 });
  for (const result of await ended) {
    t.like(result, { status: 'rejected', reason: { code: 'ENGINE_CLOSED' } });
  }
  t.is(engine.stats().calls.open, 0);
});
