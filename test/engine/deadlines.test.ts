// Calls with a deadline, and signals that many calls share: what ends them, and what they leave behind.
import { getEventListeners } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { createXavierWeights } from '../../src/attention/xavier.js';
import { createEngine } from '../../src/engine/engine.js';
import { Interruption } from '../../src/engine/interruption.js';
import type { AttentionOptions } from '../../src/attention/options.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { kernels } from '../helpers/engines.js';
import {
  codeOf,
  countTimers,
  endlessCall,
  longInput,
  modelDim,
  rejection,
  sleep,
  startLayer,
  timerErrorMs,
  untilWritten,
} from '../helpers/long-calls.js';

function assertTimeout(t: ExecutionContext, error: unknown, timeoutMs: number, where: string): void {
  t.is(codeOf(error), 'TIMEOUT', String(error));
  const [, given, elapsed, stage] =
    /^HeadpoolError: Expected a result within ([\d.]+) ms \(timeoutMs\); after (\d+) ms the call was still (.*)$/.exec(
      String(error),
    )!;
  t.is(Number(given), timeoutMs);
  t.true(Number(elapsed) >= timeoutMs - timerErrorMs);
  t.is(stage, where);
}

test.serial('a call within its time has the same result, and leaves no timer', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  const layer = await startLayer(engine);
  const x = longInput(engine, 20);
  const { output } = await layer.forward(x);
  const before = countTimers();
  const call = layer.forward(x, { timeoutMs: 2 ** 31 - 1 });
  t.is(countTimers(), before + 1);
  assertSameBytes(t, (await call).output.data, output.data);
  t.is(countTimers(), before);
  const refused = layer.forward(engine.tensor([2, 3, 4]), { timeoutMs: 1000 });
  t.is(codeOf(await rejection(refused)), 'INVALID_SHAPE');
  t.is(countTimers(), before);
});

for (const kernel of kernels) {
  test.serial(
    `${kernel}: a call that computes longer than timeoutMs rejects, and nobody writes to its buffers any more`,
    async (t) => {
      await using engine = await createEngine({ kernel, threads: 2 });
      const { out, call } = endlessCall(engine, { timeoutMs: 500 });
      assertTimeout(t, await rejection(call), 500, 'computing');
      const then = out.data.slice();
      await sleep(200);
      assertSameBytes(t, out.data, then);
      t.deepEqual(engine.stats().calls, { completed: 0, failed: 1, cancelled: 0, open: 0, waiting: 0 });
      t.is(engine.stats().memoryBytes, 0);
      const small = longInput(engine, 3);
      t.is((await engine.attention({ q: small, k: small, v: small, heads: 4 })).output.shape[0], 3);
    },
  );
}

test('a call that waits longer than timeoutMs rejects, takes no memory, and leaves its buffers and its cache', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1, maxQueue: 1, whenFull: 'wait' });
  const layer = await startLayer(engine);
  using cache = layer.createCache({ maxTokens: 100 });
  const controller = new AbortController();
  const { out: written, call: running } = endlessCall(engine, { signal: controller.signal });
  await untilWritten(written);
  const before = engine.stats().memoryBytes;
  const x = longInput(engine, 10);
  const out = engine.tensor(x.shape);
  for (const timeoutMs of [0.5, 30]) {
    assertTimeout(t, await rejection(layer.forward(x, { out, cache, timeoutMs })), timeoutMs, 'waiting');
    t.is(engine.stats().memoryBytes, before);
    t.deepEqual(cache.tokens, [0]);
  }
  const again = layer.forward(x, { out, cache });
  controller.abort('enough');
  t.is(await rejection(running), 'enough');
  await again;
  t.deepEqual(cache.tokens, [10]);
});

test('a deadline that passed while the event loop was held up counts, though its timer is late', (t) => {
  const interruption = new Interruption({ signal: undefined, timeoutMs: 50 }, performance.now() - 60);
  const error = t.throws(() => {
    interruption.startComputing();
  });
  assertTimeout(t, error, 50, 'waiting');
  t.is(interruption.signal!.reason, error);
  interruption.end();
});

test('a layer may have a deadline for all of its calls, and a call another', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  using layer = await engine.multiHeadAttention({
    heads: 4,
    weights: createXavierWeights({ modelDim, heads: 4 }),
    timeoutMs: 50,
  });
  t.is(codeOf(await rejection(layer.forward(longInput(engine, 10_000)))), 'TIMEOUT');
  t.is((await layer.forward(longInput(engine, 10), { timeoutMs: 100_000 })).output.shape[0], 10);
});

test('the signal of a caller counts beside a deadline, with its own reason', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  const controller = new AbortController();
  const { out, call } = endlessCall(engine, { signal: controller.signal, timeoutMs: 100_000 });
  await untilWritten(out);
  controller.abort('enough');
  t.is(await rejection(call), 'enough');
  t.is(engine.stats().calls.cancelled, 1);
});

test('buffers are free in the moment in which a call settles, however it does', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1, maxQueue: 2 });
  const [q, many] = [longInput(engine, 200), longInput(engine, 200_000)];
  const out = engine.tensor(q.shape);
  const call = async (keys = q, options: AttentionOptions = {}): Promise<unknown> =>
    rejection(engine.attention({ q, k: keys, v: keys, heads: 4, out, ...options }));
  const controller = new AbortController();
  t.is(codeOf(await call(many, { timeoutMs: 30 })), 'TIMEOUT');
  const cancelled = call(many, { signal: controller.signal });
  await sleep(30);
  controller.abort('enough');
  t.is(await cancelled, 'enough');
  t.is(await call(q, { signal: AbortSignal.abort('before') }), 'before');
  const others = [1, 2].map(() => engine.attention({ q, k: q, v: q, heads: 4 }));
  t.is(codeOf(await call()), 'QUEUE_FULL');
  await Promise.all(others);
  t.is(await call(), undefined);
  t.is(await call(), undefined);
});

test('a thousand calls on one signal are one listener on it, and none once they are over', async (t) => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): number => warnings.push(warning);
  process.on('warning', onWarning);
  await using engine = await createEngine({ kernel: 'wasm', threads: 2, maxQueue: 600, whenFull: 'wait' });
  const layer = await startLayer(engine);
  const x = longInput(engine, 2);
  const controller = new AbortController();
  const { signal } = controller;
  const calls = Array.from({ length: 1000 }, () => layer.forward(x, { signal }));
  t.is(engine.stats().calls.waiting, 400);
  t.is(getEventListeners(signal, 'abort').length, 1);
  await Promise.all(calls);
  t.is(getEventListeners(signal, 'abort').length, 0);

  const doomed = Array.from({ length: 1000 }, () => rejection(layer.forward(x, { signal })));
  controller.abort('all');
  const reasons = await Promise.all(doomed);
  // Workers may have been done with some of those that were open.
  t.true(reasons.every((reason) => reason === 'all' || reason === undefined));
  t.true(reasons.slice(600).every((reason) => reason === 'all'));
  t.is(getEventListeners(signal, 'abort').length, 0);
  t.deepEqual([engine.stats().calls.open, engine.stats().calls.waiting], [0, 0]);
  await layer.forward(x);
  process.off('warning', onWarning);
  t.deepEqual(warnings, []);
});
