// What the tracing channels tell of calls, and that nobody's listening changes them.
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { createEngine, createXavierWeights, type CallTrace, type LayerOptions } from '../../src/index.js';
import { assertRefused, assertSameBytes } from '../helpers/assertions.js';
import { kernels } from '../helpers/engines.js';
import { codeOf, longInput, modelDim, rejection, timerErrorMs } from '../helpers/long-calls.js';
import { normalTensor } from '../helpers/random.js';

const weights = createXavierWeights({ modelDim, heads: 4 });
const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const;

interface Event {
  readonly name: (typeof events)[number];
  readonly trace: CallTrace;
  /** What was known when it came. */
  readonly then: CallTrace;
}

/** All that a channel tells until the test ends. */
function listen(t: ExecutionContext, channel: 'forward' | 'attention'): Event[] {
  const told: Event[] = [];
  for (const name of events) {
    const tell = (message: unknown): void => {
      const trace = message as CallTrace;
      told.push({ name, trace, then: { ...trace } });
    };
    subscribe(`tracing:headpool:${channel}:${name}`, tell);
    t.teardown(() => unsubscribe(`tracing:headpool:${channel}:${name}`, tell));
  }
  return told;
}

const namesOf = (told: readonly Event[]) => told.map(({ name }) => name);

for (const kernel of kernels) {
  test.serial(`${kernel}: a call of a layer is told from its start to its end`, async (t) => {
    await using engine = await createEngine({ kernel, threads: 2 });
    const layer = await engine.multiHeadAttention({ heads: 4, weights, name: 'encoder.0' });
    const told = listen(t, 'forward');
    const attention = listen(t, 'attention');
    const x = normalTensor([2, 7, modelDim], 1);
    const result = await layer.forward(x, { priority: 'batch' });
    t.deepEqual(namesOf(told), ['start', 'end', 'asyncStart', 'asyncEnd']);
    t.is(new Set(told.map(({ trace }) => trace)).size, 1);
    const { bytes, ...start } = told[0]!.then;
    t.true(bytes >= result.output.data.byteLength);
    t.deepEqual(start, {
      kernel,
      device: 'cpu',
      layer: { name: 'encoder.0', heads: 4, kvHeads: 4, headDim: 16, modelDim },
      shape: [2, 7, modelDim],
      tokens: 14,
      priority: 'batch',
      cached: false,
    });
    t.deepEqual(told[1]!.then, told[0]!.then);
    const { latencyMs, waitedMs, computingMs, gathered, result: ofTrace, error } = told[2]!.then;
    t.true(waitedMs! >= 0 && computingMs! > 0 && latencyMs! >= waitedMs! + computingMs!);
    t.is(latencyMs, engine.stats().latencyMs.max);
    t.is(waitedMs, engine.stats().waitedMs.max);
    t.is(computingMs, engine.stats().computingMs.max);
    t.false(gathered);
    t.is(ofTrace, result);
    t.is(error, undefined);
    t.deepEqual(attention, []);
  });
}

test.serial('attention alone has a channel of its own, and no layer', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  const told = listen(t, 'attention');
  const forward = listen(t, 'forward');
  const q = normalTensor([1, 2, 5, 4], 1);
  await engine.attention({ q, k: q, v: q });
  t.deepEqual(namesOf(told), ['start', 'end', 'asyncStart', 'asyncEnd']);
  const { bytes, ...start } = told[0]!.then;
  t.true(bytes > 0);
  const known = { kernel: 'reference', device: 'cpu', shape: [1, 2, 5, 4], tokens: 5 } as const;
  t.deepEqual(start, { ...known, layer: undefined, priority: 'interactive', cached: false });
  t.deepEqual(forward, []);
});

test.serial('calls with caches and calls that are gathered say so', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  const layer = await engine.multiHeadAttention({ heads: 4, weights });
  const told = listen(t, 'forward');
  const cache = layer.createCache({ maxTokens: 8 });
  await layer.forward(longInput(engine, 3), { cache });
  t.is(told[0]!.trace.layer!.name, undefined);
  t.true(told[0]!.trace.cached);
  told.splice(0);
  const long = layer.forward(longInput(engine, 400));
  await Promise.all([long, ...Array.from({ length: 5 }, () => layer.forward(longInput(engine, 3)))]);
  const ends = told.filter(({ name }) => name === 'asyncEnd').map(({ trace }) => trace);
  t.deepEqual(
    ends.map(({ tokens, gathered }) => [tokens, gathered]).sort(),
    [[400, false], ...Array.from({ length: 5 }, () => [3, true])].sort(),
  );
});

test.serial(
  'calls that fail tell their error; those that are refused for what they are given tell nothing',
  async (t) => {
    const engine = await createEngine({ kernel: 'reference', threads: 1, maxQueue: 1 });
    const layer = await engine.multiHeadAttention({ heads: 4, weights });
    const told = listen(t, 'forward');
    t.is(codeOf(await rejection(layer.forward(normalTensor([2, 3], 1)))), 'INVALID_SHAPE');
    t.deepEqual(told, []);
    const x = longInput(engine, 600);
    const controller = new AbortController();
    const reason = new Error('enough');
    const cancelled = rejection(layer.forward(x, { signal: controller.signal }));
    const full = rejection(layer.forward(x));
    controller.abort(reason);
    const errors = await Promise.all([cancelled, full]);
    const before = await rejection(layer.forward(x, { signal: AbortSignal.abort('before') }));
    const late = await rejection(layer.forward(longInput(engine, 6000), { timeoutMs: 20 }));
    t.is(errors[0], reason);
    t.is(codeOf(errors[1]), 'QUEUE_FULL');
    t.is(codeOf(late), 'TIMEOUT');
    t.is(before, 'before');
    for (const error of [...errors, before, late]) {
      const ofCall = told.filter(({ trace }) => trace.error === error);
      t.deepEqual(namesOf(ofCall), ['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
      const { latencyMs, waitedMs, computingMs, result } = ofCall.at(-1)!.then;
      t.true(latencyMs! >= (error === late ? 20 - timerErrorMs : 0));
      t.deepEqual([waitedMs, computingMs, result], [undefined, undefined, undefined]);
    }
    await engine.close();
    told.splice(0);
    t.is(codeOf(await rejection(layer.forward(x))), 'ENGINE_CLOSED');
    t.deepEqual(told, []);
  },
);

test.serial('what is bound to the start of a call holds inside it, and not behind it', async (t) => {
  await using engine = await createEngine({ kernel: 'wasm', threads: 2 });
  const layer = await engine.multiHeadAttention({ heads: 4, weights });
  const storage = new AsyncLocalStorage<CallTrace>();
  const { start } = tracingChannel<CallTrace, CallTrace>('headpool:forward');
  start.bindStore(storage, (trace) => trace);
  const held: boolean[] = [];
  const hold = (trace: unknown): void => void held.push(storage.getStore() === trace);
  subscribe('tracing:headpool:forward:asyncEnd', hold);
  const calls = [3, 4, 5].map((tokens) => layer.forward(longInput(engine, tokens)));
  t.is(storage.getStore(), undefined);
  await Promise.all(calls);
  unsubscribe('tracing:headpool:forward:asyncEnd', hold);
  start.unbindStore(storage);
  t.deepEqual(held, [true, true, true]);
});

test.serial('results have the same bytes whether somebody listens or not', async (t) => {
  await using engine = await createEngine({ kernel: 'wasm', threads: 2 });
  const layer = await engine.multiHeadAttention({ heads: 4, weights });
  const x = longInput(engine, 50);
  const { output } = await layer.forward(x);
  listen(t, 'forward');
  assertSameBytes(t, (await layer.forward(x)).output.data, output.data);
});

test('a listener that throws is an uncaught exception of its process, and its call goes on', async (t) => {
  const host = fileURLToPath(new URL('hosts/throwing-listener.js', import.meta.url));
  const child = spawn(process.execPath, [host], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  t.is(errors, '');
  t.deepEqual(JSON.parse(output), { rows: 3, caught: ['start', 'asyncEnd'] });
});

for (const name of ['', 5, null, {}, ['encoder']]) {
  test(`a layer named ${JSON.stringify(name)} is refused`, async (t) => {
    await using engine = await createEngine({ kernel: 'reference', threads: 1 });
    await assertRefused(t, () => engine.multiHeadAttention({ heads: 4, weights, name } as LayerOptions), {
      code: 'INVALID_OPTION',
      what: 'a string of at least one character for `name`',
    });
    t.is(engine.stats().memoryBytes, 0);
  });
}
