// Meters: single operations that are timed, on a processor and on a device, whose memory they leave as they found it.
import test, { type ExecutionContext } from 'ava';
import { DeviceCounters } from '../../src/core/protocol/device-counters.js';
import type { KernelName } from '../../src/core/protocol/kernels.js';
import { createEngine, type Engine } from '../../src/engine/engine.js';
import { openGpuEngine } from '../helpers/gpu-engine.js';
import { gpuTest } from '../helpers/software-gpu.js';

async function checkMeters(t: ExecutionContext, engine: Engine): Promise<void> {
  const before = engine.stats().memoryBytes;
  const product = { rows: 9, depth: 20, columns: 70 };
  const attention = { heads: 2, tokens: 19, headDim: 8 };
  const { calls, flop } = engine.stats();
  for (const open of [
    () => engine.openReadMeter(4004),
    () => engine.openProductMeter(product),
    () => engine.openAttentionMeter(attention),
  ]) {
    using meter = await open();
    t.true(engine.stats().memoryBytes > before);
    t.true((await meter.measure()) > 0);
    t.true((await meter.measure()) > 0);
  }
  t.like(engine.stats(), { calls, flop }, 'meters are no calls');
  t.is(engine.stats().memoryBytes, before);
}

for (const kernel of ['wasm', 'reference'] satisfies KernelName[]) {
  test(`the kernel ${kernel} is timed and gives all memory back`, async (t) => {
    await using engine = await createEngine({ kernel, threads: 1 });
    await checkMeters(t, engine);
  });
}

const gpuEngine = openGpuEngine();

gpuTest('a device is timed on what it holds: nothing is uploaded or read back for a run', async (t) => {
  const engine = gpuEngine();
  await checkMeters(t, engine);
  using meter = await engine.openAttentionMeter({ heads: 2, tokens: 64, headDim: 16 });
  const before = engine.stats().device!;
  await meter.measure();
  const after = engine.stats().device!;
  t.is(after.readBackBytes, before.readBackBytes);
  // Uniform blocks and tables only, less than one operand.
  t.true(after.uploadBytes - before.uploadBytes < 4 * 2 * 64 * 16);
  t.is(after.submissions - before.submissions, 1);
});

gpuTest('buffers of a device are free when its meters are', async (t) => {
  const engine = gpuEngine();
  // Buffers are given back by the worker, in the order in which it is told.
  await engine.measurePeak(1);
  const { bufferBytes } = engine.stats().device!;
  {
    using meter = await engine.openProductMeter({ rows: 8, depth: 8, columns: 64 });
    await meter.measure();
    t.true(engine.stats().device!.bufferBytes > bufferBytes);
  }
  await engine.measurePeak(1);
  t.is(engine.stats().device!.bufferBytes, bufferBytes);
});

test('the most memory of a device is counted anew from a moment on', (t) => {
  const counters = new DeviceCounters();
  counters.addBuffers(100);
  counters.addBuffers(-60);
  t.is(counters.read().peakBufferBytes, 100);
  counters.restartPeak();
  t.is(counters.read().peakBufferBytes, 40);
  counters.addBuffers(30);
  t.is(counters.read().peakBufferBytes, 70);
});
