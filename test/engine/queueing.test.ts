// Calls beyond what an engine takes at a time: refused or waiting, and what waiting calls hold meanwhile.
import test from 'ava';
import { createEngine, type Engine } from '../../src/engine/engine.js';
import type { EngineOptions } from '../../src/engine/engine-options.js';
import { assertRefused, assertSameBytes, codeOf as codeOfThrown } from '../helpers/assertions.js';
import { kernels } from '../helpers/engines.js';
import { codeOf, longInput, rejection, startLayer } from '../helpers/long-calls.js';

/** An engine that computes one call at a time, whose others wait. */
async function startNarrow(options: EngineOptions = {}): Promise<Engine> {
  return createEngine({ kernel: 'reference', threads: 1, maxQueue: 1, whenFull: 'wait', ...options });
}

for (const [option, values, what] of [
  ['whenFull', ['throw', true, null], "Expected 'error' or 'wait' for `whenFull`"],
  ['maxQueueBytes', [0, -1, 1.5, '1', Infinity], 'Expected an integer from 1 to 9007199254740991'],
  ['maxQueue', [0, 2.5, null], 'Expected an integer from 1 to 9007199254740991'],
] as const) {
  test(`an engine refuses ${values.map(String).join(', ')} for ${option}`, async (t) => {
    for (const value of values) {
      const options = { [option]: value } as unknown as EngineOptions;
      await assertRefused(t, () => createEngine(options), { code: 'INVALID_OPTION', what });
    }
  });
}

for (const kernel of kernels) {
  test(`${kernel}: calls that wait get the result that they get alone`, async (t) => {
    await using engine = await startNarrow({ kernel, threads: 2, maxQueue: 2 });
    const layer = await startLayer(engine);
    const inputs = Array.from({ length: 16 }, (_, n) => longInput(engine, 1 + 5 * n));
    const alone: Float32Array[] = [];
    for (const x of inputs) alone.push((await layer.forward(x)).output.data);
    const together = inputs.map((x) => layer.forward(x));
    t.is(engine.stats().calls.open, 2);
    t.is(engine.stats().calls.waiting, 14);
    for (const [n, { output }] of (await Promise.all(together)).entries()) {
      assertSameBytes(t, output.data, alone[n]!);
    }
    const { calls, waitedMs } = engine.stats();
    t.deepEqual([calls.completed, calls.open, calls.waiting], [32, 0, 0]);
    t.true(waitedMs.max > waitedMs.p50, 'half of the calls had not waited to be let in');
  });

  test(`${kernel}: calls that don't fit side by side are refused or wait, and together never take more`, async (t) => {
    for (const whenFull of ['error', 'wait'] as const) {
      const memoryLimitBytes = 1_000_000;
      await using engine = await createEngine({ kernel, threads: 2, memoryLimitBytes, whenFull });
      const layer = await startLayer(engine);
      const x = longInput(engine, 250);
      const calls = Array.from({ length: 8 }, () => layer.forward(x));
      const { waiting, open } = engine.stats().calls;
      t.true(open > 0 && open < 8);
      t.is(waiting, whenFull === 'wait' ? 8 - open : 0);
      let mostBytes = 0;
      const watched = calls.map(async (call) => {
        try {
          await call;
        } finally {
          mostBytes = Math.max(mostBytes, engine.stats().memoryBytes);
        }
      });
      const outcomes = await Promise.all(watched.map(rejection));
      t.true(mostBytes <= memoryLimitBytes);
      const refused = outcomes.filter((error) => error !== undefined);
      t.is(refused.length, whenFull === 'wait' ? 0 : 8 - open);
      for (const error of refused) {
        t.is(codeOf(error), 'QUEUE_FULL');
        t.regex(
          (error as Error).message,
          /beside the [\d.]+ MiB of open calls, which may hold 0\.[89] MiB together/,
        );
      }
      await layer.forward(x);
    }
  });

  test(`${kernel}: a call that is too large alone is refused at once, though others wait`, async (t) => {
    await using engine = await startNarrow({ kernel, memoryLimitBytes: 1_000_000 });
    const layer = await startLayer(engine);
    const calls = Array.from({ length: 3 }, () => layer.forward(longInput(engine, 100)));
    const before = engine.stats();
    t.is(codeOf(await rejection(layer.forward(longInput(engine, 1000)))), 'MEMORY_LIMIT');
    t.is(before.calls.waiting, 2);
    await Promise.all(calls);
  });
}

test('a cache cannot take the memory of a call that was let in, at once or after it waited', async (t) => {
  await using engine = await startNarrow({ memoryLimitBytes: 1_000_000 });
  const layer = await startLayer(engine);
  // 12 pages of 64 KiB: they fit beside the layer, and not beside a call.
  const createCache = () => layer.createCache({ maxTokens: 1536 });
  const x = longInput(engine, 250);
  const [first, second] = [layer.forward(x), layer.forward(x)];
  t.is(codeOfThrown(createCache), 'MEMORY_LIMIT');
  await first;
  t.is(codeOfThrown(createCache), 'MEMORY_LIMIT');
  await second;
  createCache().dispose();
});

test('results count as memory of open calls, and what is written into `out` does not', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1, maxQueueBytes: 400_000 });
  const x = engine.tensor([1, 1, 200, 8]);
  const inputs = { q: x, k: x, v: x };
  // Weights of 160 kB each.
  const weighty = [0, 1].map(() => engine.attention({ ...inputs, returnWeights: true }));
  await assertRefused(t, () => engine.attention({ ...inputs, returnWeights: true }), {
    code: 'QUEUE_FULL',
    what: ['The call needs 0.2 MiB beside the 0.3 MiB of open calls', 'maxQueueBytes'],
  });
  const outs = Array.from({ length: 20 }, () => engine.tensor(x.shape));
  await Promise.all([...weighty, ...outs.map((out) => engine.attention({ ...inputs, out }))]);
  t.is(engine.stats().calls.completed, 22);
});

test('calls are let in by priority, and within one in the order in which they came', async (t) => {
  await using engine = await startNarrow();
  const layer = await startLayer(engine);
  const done: string[] = [];
  const call = async (name: string, priority: 'interactive' | 'batch'): Promise<void> => {
    await layer.forward(longInput(engine, 20), { priority });
    done.push(name);
  };
  const given = [
    ['first', 'batch'],
    ['batch 1', 'batch'],
    ['interactive 1', 'interactive'],
    ['batch 2', 'batch'],
    ['interactive 2', 'interactive'],
  ] as const;
  await Promise.all(given.map(([name, priority]) => call(name, priority)));
  t.deepEqual(done, ['first', 'interactive 1', 'interactive 2', 'batch 1', 'batch 2']);
});

test('a waiting call that is cancelled leaves its buffers and its cache at once, and takes no memory', async (t) => {
  await using engine = await startNarrow();
  const layer = await startLayer(engine);
  using cache = layer.createCache({ maxTokens: 100 });
  await layer.forward(longInput(engine, 3), { cache });
  const running = layer.forward(longInput(engine, 800));
  await Promise.resolve();
  const before = engine.stats().memoryBytes;
  const controller = new AbortController();
  const x = longInput(engine, 10);
  const out = engine.tensor(x.shape);
  const waiting = layer.forward(x, { out, cache, signal: controller.signal });
  await Promise.resolve();
  t.is(engine.stats().memoryBytes, before);
  t.is(codeOf(await rejection(layer.forward(longInput(engine, 10), { out }))), 'BUFFER_IN_USE');
  t.is(codeOf(await rejection(layer.forward(x, { cache }))), 'CACHE_IN_USE');
  controller.abort('enough');
  t.is(await rejection(waiting), 'enough');
  t.deepEqual(cache.tokens, [3]);
  t.deepEqual([engine.stats().calls.open, engine.stats().calls.waiting], [1, 0]);
  const again = layer.forward(x, { out, cache });
  await running;
  await again;
  t.deepEqual(cache.tokens, [13]);
  t.is(engine.stats().calls.cancelled, 1);
});

test('closing lets waiting calls finish, and refuses new ones', async (t) => {
  const engine = await startNarrow();
  const layer = await startLayer(engine);
  const calls = Array.from({ length: 5 }, () => layer.forward(longInput(engine, 100)));
  const statistics = layer.forward(longInput(engine, 100), { headStatistics: true });
  t.is(engine.stats().calls.waiting, 5);
  const closed = engine.close();
  t.is(codeOf(await rejection(layer.forward(longInput(engine, 4)))), 'ENGINE_CLOSED');
  for (const { output } of await Promise.all(calls)) t.is(output.shape[0], 100);
  t.is((await statistics).headStatistics!.entropy.data.length, 4);
  await closed;
});

test('a disposed layer gives its memory back once its waiting calls are over', async (t) => {
  await using engine = await startNarrow();
  const layer = await startLayer(engine);
  const calls = [1, 2, 3].map(() => layer.forward(longInput(engine, 100)));
  layer.dispose();
  for (const { output } of await Promise.all(calls)) t.is(output.shape[0], 100);
  t.is(engine.stats().memoryBytes, 0);
});

test('calls that wait are computed though workers end meanwhile', async (t) => {
  await using engine = await startNarrow({ threads: 2 });
  const layer = await startLayer(engine);
  const controller = new AbortController();
  const first = rejection(layer.forward(longInput(engine, 3000), { signal: controller.signal }));
  const waiting = [1, 2].map(() => layer.forward(longInput(engine, 50)));
  for (const index of [0, 1]) await engine.terminateWorker(index);
  // What becomes of a call whose worker ends is tested with faults.
  controller.abort('enough');
  for (const { output } of await Promise.all(waiting)) t.is(output.shape[0], 50);
  await first;
  t.deepEqual([engine.stats().calls.open, engine.stats().calls.waiting], [0, 0]);
});

test('a call that is cancelled while its layer packs weights for statistics leaves nothing behind', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  const layer = await startLayer(engine);
  const controller = new AbortController();
  const { signal } = controller;
  const busy = layer.forward(longInput(engine, 800));
  const call = rejection(layer.forward(longInput(engine, 100), { headStatistics: true, signal }));
  await new Promise(setImmediate);
  t.is(engine.stats().calls.open, 2);
  controller.abort('enough');
  t.is(await call, 'enough');
  t.is(engine.stats().calls.open, 1, 'the other one is at work still');
  layer.dispose();
  await busy;
  await engine.close();
  t.is(engine.stats().memoryBytes, 0);
});
