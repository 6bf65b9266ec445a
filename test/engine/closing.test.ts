// Engines that are closed with a time by which they must be: what becomes of calls, their buffers, caches and threads.
import test, { type ExecutionContext } from 'ava';
import { createEngine, startEngine, type Engine } from '../../src/engine/engine.js';
import type { CloseOptions } from '../../src/engine/closing.js';
import type { AttentionOptions } from '../../src/attention/options.js';
import { createXavierWeights } from '../../src/attention/xavier.js';
import { assertRefused, assertSameBytes } from '../helpers/assertions.js';
import { kernels } from '../helpers/engines.js';
import { startFlaky, untilFault } from '../helpers/flaky-engine.js';
import { faults } from '../helpers/flaky-faults.js';
import {
  codeOf,
  countTimers,
  endlessCall,
  longInput,
  modelDim,
  rejection,
  sleep,
  startLayer,
  untilWritten,
} from '../helpers/long-calls.js';

function assertStopped(t: ExecutionContext, error: unknown, stage: 'waiting' | 'computing'): void {
  t.is(codeOf(error), 'ENGINE_CLOSED');
  t.is((error as Error).message, `The engine was closed while the call was still ${stage}`);
}

test('an engine is ready from its start until it is closed', async (t) => {
  const engine = await createEngine({ kernel: 'reference', threads: 1 });
  t.true(engine.ready);
  const call = engine.attention({
    q: longInput(engine, 200),
    k: longInput(engine, 200),
    v: longInput(engine, 200),
    heads: 4,
  });
  const closed = engine.close();
  t.false(engine.ready);
  await call;
  await closed;
  t.false(engine.ready);
});

test('what measures through an engine is refused by a closed one, too', async (t) => {
  const engine = await createEngine({ kernel: 'reference', threads: 1 });
  const meter = await engine.openProductMeter({ rows: 4, depth: 8, columns: 8 });
  await engine.close();
  t.is(codeOf(await rejection(meter.measure())), 'ENGINE_CLOSED');
});

test.serial('an engine whose workers can no more be started is not ready, and closes', async (t) => {
  const logger = { warn: () => undefined };
  const module = new URL('workers/dies-when-told.js', import.meta.url);
  const engine = await startEngine({ kernel: 'reference', threads: 1, logger }, module);
  t.teardown(() => delete process.env['HEADPOOL_TEST_DIES']);
  const x = longInput(engine, 3);
  const call = () => rejection(engine.attention({ q: x, k: x, v: x, heads: 4 }));
  await engine.terminateWorker(0);
  t.true(engine.ready, 'one that is lost is replaced');
  t.is(await call(), undefined);
  process.env['HEADPOOL_TEST_DIES'] = 'yes';
  await engine.terminateWorker(0);
  t.is(codeOf(await call()), 'WORKER_START');
  t.false(engine.ready);
  await engine.close({ timeoutMs: 1000 });
  t.false(engine.ready);
});

for (const kernel of kernels) {
  test(`${kernel}: calls that aren't over in time are stopped, and nobody writes to their buffers any more`, async (t) => {
    const engine = await createEngine({ kernel, threads: 2, maxQueue: 1, whenFull: 'wait' });
    const computing = endlessCall(engine);
    await untilWritten(computing.out);
    const waiting = ['interactive', 'batch', 'interactive'].map((priority) =>
      endlessCall(engine, { priority } as AttentionOptions),
    );
    // Far more than a busy machine may sleep instead of 10 ms.
    const closed = engine.close({ timeoutMs: 1000 });
    await sleep(10);
    t.deepEqual(engine.stats().calls, { completed: 0, failed: 0, cancelled: 0, open: 1, waiting: 3 });
    assertStopped(t, await computing.ended, 'computing');
    const then = computing.out.data.slice();
    for (const { ended } of waiting) assertStopped(t, await ended, 'waiting');
    await closed;
    assertSameBytes(t, computing.out.data, then);
    for (const { out } of waiting) t.true(out.data.every((value) => value === 0));
    t.deepEqual(engine.stats().calls, { completed: 0, failed: 4, cancelled: 0, open: 0, waiting: 0 });
    t.is(engine.stats().memoryBytes, 0);
  });
}

test.serial('what is over in time has its result, and the time is forgotten with it', async (t) => {
  const engine = await createEngine({ kernel: 'wasm', threads: 2 });
  const layer = await startLayer(engine);
  const before = countTimers();
  const call = layer.forward(longInput(engine, 500));
  const closed = engine.close({ timeoutMs: 1e6 });
  t.is((await call).output.shape[0], 500);
  await closed;
  t.is(countTimers(), before);
  await engine.close({ timeoutMs: 1e6 });
  t.is(countTimers(), before);
});

test('of several times the soonest counts, and all wait for the same end', async (t) => {
  const engine = await createEngine({ kernel: 'wasm', threads: 2 });
  const { out, ended } = endlessCall(engine);
  await untilWritten(out);
  const settled: string[] = [];
  const close = (name: string, options?: CloseOptions) =>
    engine.close(options).then(() => settled.push(name));
  const startMs = performance.now();
  const ends = [close('whenever'), close('late', { timeoutMs: 1e6 }), close('soon', { timeoutMs: 100 })];
  ends.push(close('later', { timeoutMs: 1e5 }), close('once more'));
  await sleep(20);
  t.deepEqual(settled, []);
  assertStopped(t, await ended, 'computing');
  await Promise.all(ends);
  t.true(performance.now() - startMs >= 99);
  t.deepEqual(settled, ['whenever', 'late', 'soon', 'later', 'once more']);
});

for (const [shown, options, code, what] of [
  ['-1 ms', { timeoutMs: -1 }, 'INVALID_OPTION', 'a number of milliseconds from 0 to 2147483647'],
  ['NaN ms', { timeoutMs: NaN }, 'INVALID_OPTION', '`timeoutMs`'],
  ['an hour as text', { timeoutMs: '3600000' }, 'INVALID_OPTION', '(string)'],
  ['endless ms', { timeoutMs: Infinity }, 'INVALID_OPTION', '`Infinity`'],
  ['null ms', { timeoutMs: null }, 'INVALID_OPTION', '`null`'],
  ['a bare number', 5000, 'INVALID_OPTION', 'an object for `options`'],
  ['null', null, 'INVALID_OPTION', 'an object for `options`'],
  ['another name', { timeout: 5 }, 'UNKNOWN_OPTION', 'did you mean `timeoutMs`?'],
] as const) {
  test(`closing with ${shown} is refused, and closes nothing`, async (t) => {
    await using engine = await createEngine({ kernel: 'reference', threads: 1 });
    await assertRefused(t, () => engine.close(options as never), { code, what });
    t.true(engine.ready);
    t.is((await (await startLayer(engine)).forward(longInput(engine, 3))).output.shape[0], 3);
  });
}

test.serial('calls that wait for a worker that hangs are stopped, however they are computed', async (t) => {
  const warnings: string[] = [];
  const logger = { warn: (message: string) => warnings.push(message) };
  await using engine = await startFlaky(t, { threads: 1, logger });
  // Heads whose scale is no fault of that worker.
  const layerOptions = { heads: 8, weights: createXavierWeights({ modelDim, heads: 8 }) };
  const layer = await engine.multiHeadAttention(layerOptions);
  const x = longInput(engine, 20);
  const cache = layer.createCache({ maxTokens: 100 });
  await layer.forward(x, { cache });
  const kept = rejection(layer.forward(x, { scale: faults['hangs once'].scale }));
  await untilFault();
  const calls = [
    layer.forward(x, { out: engine.tensor(x.shape) }),
    layer.forward(x, { headStatistics: true }),
    layer.forward(x, { cache }),
    ...Array.from({ length: 20 }, () => layer.forward(x, { causal: true })),
    engine.attention({ q: x, k: x, v: x, heads: 8 }),
    engine.multiHeadAttention(layerOptions),
  ].map(rejection);
  await sleep(10);
  const late = layer.forward(x, { causal: true });
  const closed = engine.close({ timeoutMs: 0 });
  for (const error of await Promise.all([kept, ...calls, rejection(late)]))
    assertStopped(t, error, 'computing');
  t.deepEqual(cache.tokens, [20]);
  await closed;
  t.is(engine.stats().calls.open, 0);
  t.regex(warnings.join('\n'), /its unit took longer than 1000 ms \(the engine was closed\)/);
});

test('layers and engines side by side: one is closed, the others go on', async (t) => {
  const engines = await Promise.all(kernels.map((kernel) => createEngine({ kernel, threads: 2 })));
  const weights = [1, 2, 3].map((seed) => createXavierWeights({ modelDim, heads: 4, seed }));
  const layersOf = (engine: Engine) =>
    Promise.all(weights.map((own) => engine.multiHeadAttention({ heads: 4, weights: own })));
  const layers = await Promise.all(engines.map(layersOf));
  const x = longInput(engines[0]!, 40);
  const outputs = () => layers.map((some) => some.map(async (layer) => (await layer.forward(x)).output.data));
  const first = await Promise.all(outputs().map((some) => Promise.all(some)));
  for (const [n, engine] of engines.entries()) {
    const calls = outputs();
    await engine.close({ timeoutMs: 0 });
    for (const [at, some] of calls.entries()) {
      const results = await Promise.allSettled(some);
      results.forEach((result, layer) => {
        if (result.status === 'fulfilled') assertSameBytes(t, result.value, first[at]![layer]!);
        else t.is(codeOf(result.reason), 'ENGINE_CLOSED');
        if (at > n) t.is(result.status, 'fulfilled');
        if (at < n) t.is(result.status, 'rejected');
      });
    }
  }
});
