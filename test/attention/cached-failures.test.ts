// Calls with a cache that don't end well: full, cancelled, without their worker, closed, or two at once. The cache is
// as it was before, and goes on.
import test, { type ExecutionContext } from 'ava';
import { createEngine, type Engine, type KeyValueCache, type MultiHeadAttention } from '../../src/index.js';
import { assertRefused, assertSameBytes, messageOf } from '../helpers/assertions.js';
import { cachedCase, feed, layerOf, prefill, stretchOf } from '../helpers/cached-case.js';
import { kernels, openEngines, testKernels } from '../helpers/engines.js';

const given = cachedCase({ tokens: 140, options: { causal: true, rope: { base: 10_000 } } });
const engines = openEngines();
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A cache of 126 tokens, and a check that it goes on as if nothing had happened. */
async function open(t: ExecutionContext, engine: Engine, maxTokens = 30_000) {
  const layer = await engine.multiHeadAttention(layerOf(given));
  const [cache, twin] = [layer.createCache({ maxTokens }), layer.createCache({ maxTokens: 140 })];
  for (const one of [cache, twin]) await prefill(given, layer, one, 126);
  const checkSame = async (): Promise<void> => {
    t.deepEqual(cache.tokens, [126]);
    const pages = cache.freePages;
    const [got, wanted] = [await feed(given, layer, cache, [1, 3]), await feed(given, layer, twin, [1, 3])];
    got.forEach(({ result }, n) => {
      assertSameBytes(t, result.output.data, wanted[n]!.result.output.data);
    });
    for (const one of [cache, twin]) one.truncate(126);
    t.is(cache.freePages, pages);
  };
  return { layer, cache, checkSame };
}

/** A call that no worker finishes soon. */
function longCall(engine: Engine, layer: MultiHeadAttention, cache: KeyValueCache, signal?: AbortSignal) {
  const x = engine.tensor([1, engine.info.kernel === 'reference' ? 1500 : 25_000, 10]);
  return layer.forward(x, { causal: true, cache, ...(signal && { signal }) });
}

testKernels(engines, 'a full cache refuses the call and takes shorter ones', async (t, engine) => {
  const { layer, cache, checkSame } = await open(t, engine, 130);
  const error = await messageOf(() => feed(given, layer, cache, [5]));
  t.is(error?.code, 'CACHE_FULL');
  await checkSame();
  await feed(given, layer, cache, [4]);
  t.is((await messageOf(() => feed(given, layer, cache, [1])))?.code, 'CACHE_FULL');
  cache.truncate(126);
  await checkSame();
});

testKernels(engines, 'a cancelled call leaves its cache as it was', async (t, engine) => {
  const { layer, cache, checkSame } = await open(t, engine);
  for (const waitMs of [undefined, 0, 3, 30]) {
    const controller = new AbortController();
    const call = longCall(engine, layer, cache, controller.signal).catch((error: unknown) => error);
    if (waitMs !== undefined) await sleep(waitMs);
    controller.abort(`after ${waitMs}`);
    t.is(await call, `after ${waitMs}`);
    await checkSame();
  }
  const call = longCall(engine, layer, cache, AbortSignal.abort('before'));
  t.is(await call.catch((error: unknown) => error), 'before');
  await checkSame();
});

for (const kernel of kernels) {
  test(`${kernel}: a call that loses its worker again and again leaves its cache as it was`, async (t) => {
    await using engine = await createEngine({ kernel, threads: 1 });
    const { layer, cache, checkSame } = await open(t, engine);
    // On a busy machine a worker may end before it has the job, or after; one of these waits meets it at work.
    let lost = 0;
    for (let waitMs = 5; lost === 0 && waitMs < 1000; waitMs *= 2) {
      const call = messageOf(() => longCall(engine, layer, cache));
      const isOver = call.then(() => true);
      while (!(await Promise.race([isOver, sleep(waitMs).then(() => false)])))
        await engine.terminateWorker(0);
      const error = await call;
      if (error === undefined) cache.truncate(126);
      else t.is(error.code, 'WORKER_LOST');
      if (error !== undefined) lost++;
      await checkSame();
    }
    t.is(lost, 1);
  });
}

test('two calls at once on one cache: the second is refused, the first is not disturbed', async (t) => {
  const engine = engines('wasm');
  const { layer, cache, checkSame } = await open(t, engine);
  using free = layer.createCache({ maxTokens: 140 });
  const first = feed(given, layer, cache, [3]);
  const words = ['The cache is in use by another call; await that call first'];
  const x = stretchOf(given.x, 126, 127);
  await assertRefused(t, () => layer.forward(x, { causal: true, cache }), {
    code: 'CACHE_IN_USE',
    what: words,
  });
  const both = engine.tensor([2, 1, 10]);
  await assertRefused(t, () => layer.forward(both, { causal: true, cache: [free, cache] }), {
    code: 'CACHE_IN_USE',
    what: words,
  });
  await feed(given, layer, free, [2]);
  await first;
  t.deepEqual([cache.tokens, free.tokens], [[129], [2]]);
  cache.truncate(126);
  await checkSame();
});

test('a cache that is full in a list leaves the others as they were', async (t) => {
  const engine = engines('wasm');
  const { layer, cache, checkSame } = await open(t, engine);
  using full = layer.createCache({ maxTokens: 1 });
  const x = engine.tensor([2, 2, 10]);
  await assertRefused(t, () => layer.forward(x, { cache: [cache, full] }), {
    code: 'CACHE_FULL',
    what: ['1 tokens', '2 more'],
  });
  t.deepEqual(full.tokens, [0]);
  await checkSame();
});

test('a call whose statistics need weights packed first keeps its cache meanwhile', async (t) => {
  const engine = engines('wasm');
  const { layer, cache, checkSame } = await open(t, engine);
  const x = stretchOf(given.x, 126, 127);
  const mask = { shape: [1, 127], data: new Uint8Array(127).fill(1) };
  const first = layer.forward(x, { cache, mask, headStatistics: true, returnWeights: true });
  const second = await messageOf(() => layer.forward(x, { cache }));
  t.deepEqual((await first).weights!.shape, [1, 4, 1, 127]);
  t.is(second?.code, 'CACHE_IN_USE');
  cache.truncate(126);
  await checkSame();
});

test('calls on a closed engine and a disposed layer leave the cache, which can still be disposed', async (t) => {
  const engine = await createEngine({ kernel: 'reference', threads: 1 });
  const { layer, cache } = await open(t, engine);
  using other = await engine.multiHeadAttention(layerOf(given));
  const left = other.createCache({ maxTokens: 4 });
  const x = stretchOf(given.x, 126, 127);
  const call = layer.forward(x, { causal: true, cache });
  layer.dispose();
  t.deepEqual((await call).output.shape, [1, 1, 10]);
  await assertRefused(t, () => layer.forward(x, { causal: true, cache }), {
    code: 'ENGINE_CLOSED',
    what: 'The layer was disposed',
  });
  await assertRefused(t, () => layer.createCache({ maxTokens: 4 }), {
    code: 'ENGINE_CLOSED',
    what: 'The layer was disposed',
  });
  t.deepEqual(cache.tokens, [127]);
  const before = engine.stats().memoryBytes;
  cache.dispose();
  t.true(engine.stats().memoryBytes < before);
  await engine.close();
  await assertRefused(t, () => other.forward(x, { cache: left }), {
    code: 'ENGINE_CLOSED',
    what: 'The engine was closed',
  });
  await assertRefused(t, () => other.createCache({ maxTokens: 4 }), {
    code: 'ENGINE_CLOSED',
    what: 'The engine was closed',
  });
  t.deepEqual(left.tokens, [0]);
  left.fork().dispose();
  left.dispose();
});
