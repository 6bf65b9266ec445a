// What can go wrong with workers: the whole table, one row a line of it. Rows that other files test are named with the title
// of the test, and it is checked that there is one.
import test from 'ava';
import { createEngine, startEngine, type Engine } from '../../src/engine/engine.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { startFlaky, untilFault } from '../helpers/flaky-engine.js';
import { faults } from '../helpers/flaky-faults.js';
import { codeOf, longInput, modelDim, rejection, sleep, startLayer } from '../helpers/long-calls.js';
import { normalTensor } from '../helpers/random.js';
import { testElsewhere } from '../helpers/tested-elsewhere.js';

const heads = 4;
const onceEach = "['throws once', 'exits once', 'hangs once']";

testElsewhere(
  [
    ['a throw, process.exit, an endless loop', 'lost-units', onceEach],
    ['each of them', 'lost-units', 'a worker of ${threads} that ${fault} costs a call nothing but time'],
    [
      'a throw, twice',
      'lost-units',
      'a unit that throws again fails its call with the cause, and the engine goes on',
    ],
    ['process.exit, twice', 'lost-units', 'a call whose workers end twice fails, and the engine goes on'],
    [
      'an end from outside',
      'lost-units',
      'a call whose worker is ended gives the same bytes, whatever it was at',
    ],
    ['no worker file', 'faults', "['is missing', 'missing.js'"],
    ['a broken one', 'faults', "['throws while loading', 'throws.js'"],
    [
      'what either gives',
      'faults',
      'a worker file that ${name} is an error that says so, and not one of the time limit',
    ],
    ['heap exhausted', 'lost-units', 'a worker that runs out of heap costs a call nothing but time'],
    ['an abort of queued work', 'faults', 'queued calls can be cancelled while another one runs'],
    [
      'an abort of what waits for room',
      'queueing',
      'a waiting call that is cancelled leaves its buffers and its cache at once, and takes no memory',
    ],
    [
      'an abort of running work',
      'faults',
      'a cancelled call rejects with the reason, and nobody writes to its buffers any more',
    ],
    ['1,000 aborts', 'faults', '1,000 cancelled calls leave as many threads as there were'],
    ['their memory', 'faults', '1,000 cancelled calls leave as much memory as there was'],
    ['a full queue', 'faults', 'a full queue refuses the next call'],
    [
      'use inside a worker thread of the host',
      'hosts',
      'the library works inside a worker thread of its host, with the same result',
    ],
  ],
  'engine/',
);

// Two seconds are promised, for a machine that does nothing else.
const mostStartMs = 10 * 2000;

for (const file of ['throws.js', 'missing.js', 'exits.js', 'dies.js']) {
  test.serial(`an engine whose worker file is ${file} fails soon`, async (t) => {
    const startMs = performance.now();
    const error = await rejection(startEngine({ threads: 2 }, new URL(`workers/${file}`, import.meta.url)));
    const tookMs = performance.now() - startMs;
    t.is(codeOf(error), 'WORKER_START');
    t.true(tookMs < mostStartMs, `${tookMs} ms`);
    t.log(`${Math.round(tookMs)} ms`);
  });
}

/** A call that a worker hangs in. */
function callThatHangs(
  engine: Engine,
  options: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
) {
  const x = normalTensor([700, modelDim], 1);
  const { scale } = faults['hangs once'];
  return rejection(engine.attention({ q: x, k: x, v: x, heads, scale, ...options }));
}

/** That an engine computes what it should. */
async function compute(engine: Engine): Promise<Float32Array> {
  const x = normalTensor([1, 4, 30, 8], 3);
  return (await engine.attention({ q: x, k: x, v: x })).output.data;
}

async function wantedBytes(): Promise<Float32Array> {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  return await compute(engine);
}

test.serial(
  'a call whose worker hangs and that is aborted settles once its worker is ended for the time',
  async (t) => {
    await using engine = await startFlaky(t, { threads: 2, unitTimeoutMs: 500 });
    const controller = new AbortController();
    const call = callThatHangs(engine, { signal: controller.signal });
    await untilFault();
    controller.abort('enough');
    t.is(await call, 'enough');
    assertSameBytes(t, await compute(engine), await wantedBytes());
    t.is(engine.stats().calls.cancelled, 1);
  },
);

test.serial('a call whose worker hangs is over its time once its worker is ended', async (t) => {
  await using engine = await startFlaky(t, { threads: 1, unitTimeoutMs: 1000 });
  const call = callThatHangs(engine, { timeoutMs: 100 });
  t.is(codeOf(await call), 'TIMEOUT');
  assertSameBytes(t, await compute(engine), await wantedBytes());
});

test.serial(
  'a hanging call that is aborted without unitTimeoutMs is open until its worker ends',
  async (t) => {
    await using engine = await startFlaky(t, { threads: 2 });
    const controller = new AbortController();
    const call = callThatHangs(engine, { signal: controller.signal });
    await untilFault();
    controller.abort('enough');
    await sleep(50);
    t.is(engine.stats().calls.open, 1);
    // Nobody can tell which one hangs.
    for (const worker of [0, 1]) await engine.terminateWorker(worker);
    t.is(await call, 'enough');
    assertSameBytes(t, await compute(engine), await wantedBytes());
  },
);

test.serial(
  'an abort while the calling thread gives way to the host rejects the promise of the call only',
  async (t) => {
    await using engine = await createEngine({ kernel: 'wasm', threads: 2 });
    const layer = await startLayer(engine);
    const x = longInput(engine, 300);
    const unhandled: unknown[] = [];
    // Without a listener, it would end the process.
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    // The calling thread gets ready to help, and from then on owes the event loop a turn after each call.
    for (let n = 0; n < 20; n++) {
      await layer.forward(x);
      await sleep(2);
    }
    let cancelled = 0;
    for (let n = 0; n < 30; n++) {
      await layer.forward(x);
      const controller = new AbortController();
      const call = rejection(layer.forward(x, { signal: controller.signal }));
      controller.abort('enough');
      if ((await call) === 'enough') cancelled++;
      await sleep(1);
    }
    process.off('unhandledRejection', note);
    t.deepEqual(unhandled, []);
    t.true(cancelled > 0);
    t.is(engine.stats().calls.cancelled, cancelled);
  },
);
