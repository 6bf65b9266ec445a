// Kernels that take whole phases or jobs and answer later: the seam for devices, tried with one that only waits.
import test from 'ava';
import { createXavierWeights } from '../../src/attention/xavier.js';
import { createEngine, startEngine, type Engine } from '../../src/engine/engine.js';
import type { EngineOptions } from '../../src/engine/engine-options.js';
import { HeadpoolError } from '../../src/core/errors.js';
import { failingScale, hangingScale } from '../helpers/job-kernel.js';
import { untilWritten } from '../helpers/long-calls.js';
import { normalTensor } from '../helpers/random.js';

const [modelDim, heads] = [32, 4];
const weights = createXavierWeights({ modelDim, heads });
const start = (takes: 'jobs' | 'phases', options: EngineOptions = {}): Promise<Engine> =>
  startEngine({ threads: 3, ...options }, new URL(`workers/takes-${takes}.js`, import.meta.url));

for (const takes of ['jobs', 'phases'] as const) {
  test(`a kernel that takes ${takes} gives the bytes of one that takes units`, async (t) => {
    await using whole = await start(takes);
    await using units = await createEngine({ kernel: 'reference', threads: 2 });
    t.is(whole.info.device, 'gpu');
    t.is(whole.info.threads, 1);
    const [one, other] = await Promise.all(
      [whole, units].map((engine) => engine.multiHeadAttention({ heads, weights })),
    );
    const inputs = [90, 7, 130].map((tokens, seed) => normalTensor([2, tokens, modelDim], seed));
    // All at once: calls of such a kernel overlap.
    const results = await Promise.all(
      inputs.map((x) => one!.forward(x, { causal: true, returnWeights: true })),
    );
    for (const [n, x] of inputs.entries()) {
      const wanted = await other!.forward(x, { causal: true, returnWeights: true });
      t.deepEqual(results[n]!.output.data, wanted.output.data);
      t.deepEqual(results[n]!.weights!.data, wanted.weights!.data);
    }
    t.is(whole.stats().calls.completed, inputs.length);
    // Short ones, which kernels of units keep.
    for (let n = 0; n < 3; n++) {
      const x = normalTensor([4, modelDim], n);
      t.deepEqual((await one!.forward(x)).output.data, (await other!.forward(x)).output.data);
    }
  });

  test(`an engine whose kernel has ${takes} is closed by a time, and nothing is written any more`, async (t) => {
    const engine = await start(takes);
    const layer = await engine.multiHeadAttention({ heads, weights });
    const x = normalTensor([4000, modelDim], 1);
    const out = engine.tensor([4000, modelDim]);
    const calls = [engine.attention({ q: x, k: x, v: x, heads, out }), layer.forward(x)];
    const ended = Promise.allSettled(calls);
    await untilWritten(out);
    const closed = engine.close({ timeoutMs: 5 });
    const results = await ended;
    const then = out.data.slice();
    for (const result of results) t.like(result, { status: 'rejected', reason: { code: 'ENGINE_CLOSED' } });
    await closed;
    t.deepEqual(out.data, then);
  });

  test(`a call that is cancelled while the kernel has its ${takes} rejects, and the next one is served`, async (t) => {
    await using engine = await start(takes);
    const x = normalTensor([4000, modelDim], 1);
    const out = engine.tensor([4000, modelDim]);
    const controller = new AbortController();
    const call = engine.attention({ q: x, k: x, v: x, heads, out, signal: controller.signal });
    while (out.data.every((value) => value === 0)) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(new Error('enough'));
    await t.throwsAsync(call, { message: 'enough' });
    const then = out.data.slice();
    t.true(
      then.some((value) => value === 0),
      'the call had not ended',
    );
    const small = normalTensor([5, modelDim], 2);
    await engine.attention({ q: small, k: small, v: small, heads });
    t.deepEqual(out.data, then);
  });

  test(`a kernel that fails with its ${takes} fails the call by name, and goes on`, async (t) => {
    await using engine = await start(takes);
    const x = normalTensor([5, modelDim], 1);
    const where = takes === 'jobs' ? 'the call' : 'phase attend';
    await t.throwsAsync(engine.attention({ q: x, k: x, v: x, heads, scale: failingScale }), {
      code: 'UNIT_FAILED',
      message: `Worker 0 failed in ${where}: the device is lost`,
    });
    const { output } = await engine.attention({ q: x, k: x, v: x, heads });
    t.is(output.data.length, 5 * modelDim);
  });

  test(`a kernel that is never done with its ${takes} is ended for the time, and another goes on`, async (t) => {
    await using engine = await start(takes, { unitTimeoutMs: 400 });
    const x = normalTensor([5, modelDim], 1);
    const wanted = await engine.attention({ q: x, k: x, v: x, heads });
    t.true(engine.stats().busyShare[0]! > 0);
    // It runs again on the next one, which is never done either.
    await t.throwsAsync(engine.attention({ q: x, k: x, v: x, heads, scale: hangingScale }), {
      code: 'WORKER_LOST',
      message: /its unit took longer than 400 ms \(unitTimeoutMs\)/,
    });
    t.deepEqual((await engine.attention({ q: x, k: x, v: x, heads })).output.data, wanted.output.data);
  });

  test(`a kernel that is never done with its ${takes} doesn't hold up the close of its engine`, async (t) => {
    const engine = await start(takes);
    const x = normalTensor([5, modelDim], 1);
    const call = engine.attention({ q: x, k: x, v: x, heads, scale: hangingScale });
    const rejected = t.throwsAsync(call, { code: 'ENGINE_CLOSED' });
    await engine.close({ timeoutMs: 10 });
    await rejected;
  });

  test(`what a worker leaves that ends with the ${takes} of a call runs again on the next one`, async (t) => {
    await using engine = await start(takes);
    const x = normalTensor([600, modelDim], 1);
    const wanted = await engine.attention({ q: x, k: x, v: x, heads });
    const out = engine.tensor([600, modelDim]);
    const call = engine.attention({ q: x, k: x, v: x, heads, out });
    await untilWritten(out);
    await engine.terminateWorker(0);
    t.deepEqual((await call).output.data, wanted.output.data);
  });
}

test('options that a kernel cannot compute are refused by name before anything starts', async (t) => {
  await using engine = await start('jobs');
  const x = normalTensor([5, modelDim], 1);
  const sinks = [1, 2, 3, 4];
  const refusal = {
    code: 'INVALID_OPTION',
    message: "Expected no `sinks`: the kernel (JavaScript) can't compute it, the kernels of device 'cpu' can",
  };
  await t.throwsAsync(engine.attention({ q: x, k: x, v: x, heads, sinks }), refusal);
  await t.throwsAsync(engine.multiHeadAttention({ heads, weights, sinks }), refusal);
  const layer = await engine.multiHeadAttention({ heads, weights });
  const error = await t.throwsAsync(layer.forward(x, { sinks }), refusal);
  t.true(error instanceof HeadpoolError);
  t.is(engine.stats().calls.failed, 0);
});
