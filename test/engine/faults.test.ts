// What happens to calls when workers end, calls are cancelled, queues fill and engines close.
import test from 'ava';
import { createEngine, startEngine, type Engine } from '../../src/engine/engine.js';
import { kernels } from '../helpers/engines.js';
import {
  codeOf,
  longInput,
  modelDim,
  rejection,
  sleep,
  startLayer,
  untilWritten,
} from '../helpers/long-calls.js';
import { testSeriallyUnless } from '../helpers/skips.js';
import { countThreads, threadsProblem } from '../helpers/threads.js';

const workers = new URL('workers/', import.meta.url);

test('the only worker ends and is replaced', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  const layer = await startLayer(engine);
  await engine.terminateWorker(0);
  const { output } = await layer.forward(longInput(engine, 3));
  t.is(output.data.length, 3 * modelDim);
});

for (const [name, file, reason] of [
  ['throws while loading', 'throws.js', /broken on purpose$/],
  ['is missing', 'missing.js', /Cannot find module .*missing\.js/],
  ['exits while loading', 'exits.js', /exited with code: 3$/],
  ['dies as soon as it serves', 'dies.js', /exited with code: 3$/],
] as const) {
  test.serial(
    `a worker file that ${name} is an error that says so, and not one of the time limit`,
    async (t) => {
      const error = await rejection(startEngine({ threads: 2 }, new URL(file, workers)));
      t.is(codeOf(error), 'WORKER_START');
      t.regex(String(error), reason);
    },
  );
}

for (const kernel of kernels) {
  test(`${kernel}: a cancelled call rejects with the reason, and nobody writes to its buffers any more`, async (t) => {
    await using engine = await createEngine({ kernel, threads: 2 });
    const x = engine.tensor([kernel === 'reference' ? 1500 : 16_000, modelDim]);
    x.data.fill(1);
    const out = engine.tensor(x.shape);
    const controller = new AbortController();
    const call = rejection(engine.attention({ q: x, k: x, v: x, heads: 4, out, signal: controller.signal }));
    await untilWritten(out);
    const reason = new Error('enough');
    controller.abort(reason);
    t.is(await call, reason);
    const then = out.data.slice();
    t.true(
      then.some((value) => value === 0),
      'the call had not ended',
    );
    await sleep(200);
    t.true(out.data.every((value, n) => value === then[n]));
    t.is(engine.stats().calls.cancelled, 1);
  });
}

test('a call that is cancelled before it starts computes nothing', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  const x = longInput(engine, 4);
  const error = await rejection(
    engine.attention({ q: x, k: x, v: x, heads: 4, signal: AbortSignal.abort('no') }),
  );
  t.is(error, 'no');
});

test('queued calls can be cancelled while another one runs', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  const layer = await startLayer(engine);
  const running = layer.forward(longInput(engine, 600));
  const controller = new AbortController();
  const queued = rejection(layer.forward(longInput(engine, 600), { signal: controller.signal }));
  controller.abort('not needed');
  t.is(await queued, 'not needed');
  t.is((await running).output.shape[0], 600);
});

/** What `measure` says of an engine before and after 1,000 calls that are cancelled at once or a little later. */
async function aroundCancelledCalls(measure: (engine: Engine) => number): Promise<readonly [number, number]> {
  await using engine = await createEngine({ kernel: 'wasm', threads: 2 });
  const layer = await startLayer(engine);
  const x = longInput(engine, 300);
  await layer.forward(x);
  const before = measure(engine);
  for (let n = 0; n < 1000; n++) {
    const controller = new AbortController();
    const call = rejection(layer.forward(x, { signal: controller.signal }));
    if (n % 3 === 0) await Promise.resolve();
    controller.abort();
    await call;
  }
  return [before, measure(engine)];
}

test('1,000 cancelled calls leave as much memory as there was', async (t) => {
  const [before, after] = await aroundCancelledCalls((engine) => engine.stats().memoryBytes);
  t.is(after, before);
});

testSeriallyUnless(threadsProblem)('1,000 cancelled calls leave as many threads as there were', async (t) => {
  const [before, after] = await aroundCancelledCalls(countThreads);
  t.is(after, before);
});

test('a full queue refuses the next call', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1, maxQueue: 2 });
  const layer = await startLayer(engine);
  const x = longInput(engine, 200);
  const calls = [layer.forward(x), layer.forward(x)];
  t.is(codeOf(await rejection(layer.forward(x))), 'QUEUE_FULL');
  await Promise.all(calls);
  t.is((await layer.forward(x)).output.shape[0], 200);
});

test('closing lets open calls finish and refuses new ones', async (t) => {
  const engine = await createEngine({ kernel: 'reference', threads: 2 });
  const layer = await startLayer(engine);
  const call = layer.forward(longInput(engine, 400));
  const closed = engine.close();
  t.is(codeOf(await rejection(layer.forward(longInput(engine, 4)))), 'ENGINE_CLOSED');
  t.is((await call).output.shape[0], 400);
  await closed;
  await engine.close();
  t.is(codeOf(await rejection(engine.attention({} as never))), 'ENGINE_CLOSED');
});

test('a disposed layer gives its memory back once its calls are over', async (t) => {
  await using engine = await createEngine({ kernel: 'wasm', threads: 1 });
  const layer = await startLayer(engine);
  t.true(engine.stats().memoryBytes > 0);
  const call = layer.forward(longInput(engine, 100));
  layer.dispose();
  t.is((await call).output.shape[0], 100);
  t.is(engine.stats().memoryBytes, 0);
  t.is(codeOf(await rejection(layer.forward(longInput(engine, 4)))), 'ENGINE_CLOSED');
});

test('many calls at once on one layer each get their own result', async (t) => {
  await using engine = await createEngine({ kernel: 'wasm', threads: 3 });
  const layer = await startLayer(engine);
  const inputs = Array.from({ length: 40 }, (_, n) => longInput(engine, 1 + 7 * n));
  const alone: Float32Array[] = [];
  for (const x of inputs) alone.push((await layer.forward(x)).output.data);
  const together = await Promise.all(inputs.map((x) => layer.forward(x)));
  together.forEach(({ output }, n) => {
    t.deepEqual(output.data, alone[n]);
  });
});

test('two calls may not write one buffer at the same time, nor one what another reads', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  const layer = await startLayer(engine);
  const x = longInput(engine, 200);
  const out = engine.tensor(x.shape);
  const first = layer.forward(x, { out });
  t.is(codeOf(await rejection(layer.forward(longInput(engine, 200), { out }))), 'BUFFER_IN_USE');
  t.is(codeOf(await rejection(layer.forward(out))), 'BUFFER_IN_USE');
  t.is(codeOf(await rejection(layer.forward(longInput(engine, 200), { out: x }))), 'BUFFER_IN_USE');
  await first;
  await layer.forward(longInput(engine, 200), { out });
  t.is(codeOf(await rejection(layer.forward(x, { out: x }))), 'INVALID_OPTION');
});

test('work over the memory limit is refused before it starts, and gives back what it took', async (t) => {
  for (const kernel of kernels) {
    await using engine = await createEngine({ kernel, threads: 1, memoryLimitBytes: 4_000_000 });
    const layer = await startLayer(engine);
    const before = engine.stats().memoryBytes;
    const error = await rejection(layer.forward(longInput(engine, 6000)));
    t.is(codeOf(error), 'MEMORY_LIMIT');
    t.regex(String(error), /over the limit of 3\.8 MiB/);
    t.is(engine.stats().memoryBytes, before);
    await layer.forward(longInput(engine, 100));
  }
});

test('the memory of a WebAssembly arena ends at 4 GiB with an error that says so', async (t) => {
  await using engine = await createEngine({ kernel: 'wasm', threads: 1, memoryLimitBytes: 2 ** 40 });
  const layer = await startLayer(engine);
  const rows = 5_000_000;
  const x = { shape: [rows, modelDim], data: new Float32Array(new SharedArrayBuffer(rows * modelDim * 4)) };
  const error = await rejection(layer.forward(x));
  t.is(codeOf(error), 'MEMORY_LIMIT');
  t.regex(String(error), /4 GiB/);
  t.is((await layer.forward(longInput(engine, 4))).output.shape[0], 4);
});

test('memory stays flat over many calls', async (t) => {
  await using engine = await createEngine({ kernel: 'wasm', threads: 2 });
  const layer = await startLayer(engine);
  const x = longInput(engine, 64);
  await layer.forward(x);
  const before = engine.stats().memoryBytes;
  for (let n = 0; n < 3000; n++) await layer.forward(x);
  t.is(engine.stats().memoryBytes, before);
  t.is(engine.stats().calls.completed, 3001);
});

test.serial('a loop of tiny calls does not starve the timers of the host', async (t) => {
  await using engine = await createEngine({ kernel: 'wasm', threads: 2 });
  const layer = await startLayer(engine);
  const x = longInput(engine, 1);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  // They take seconds; a call that starves timers lets none tick in all of them.
  for (let calls = 0; ticks <= 10 && calls < 100_000; calls++) await layer.forward(x);
  clearInterval(timer);
  t.true(ticks > 10, `${ticks} ticks`);
});
