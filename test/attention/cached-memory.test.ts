// The memory of caches: counted by the engine, refused over its limit, given back by dispose, flat while caches roll.
import test from 'ava';
import { createEngine, type Engine } from '../../src/index.js';
import type { KernelName } from '../../src/core/protocol/kernels.js';
import { assertRefused } from '../helpers/assertions.js';
import { cachedCase, feed, layerOf } from '../helpers/cached-case.js';
import { kernels } from '../helpers/engines.js';

const given = cachedCase({ tokens: 200, options: { causal: true, window: { left: 60 } } });
/** Bytes of a page of f32: 128 tokens of 2 heads of 8 + 6 numbers. */
const pageBytes = 128 * 2 * (8 + 6) * 4;

const engines = new Map<KernelName, Engine>();
const engineOf = (kernel: KernelName): Engine => engines.get(kernel)!;

// One test at a time: what an engine counts is that of all its calls.
test.before('starts an engine for each kernel', async (t) => {
  for (const kernel of kernels) {
    engines.set(kernel, await createEngine({ kernel, threads: 2, memoryLimitBytes: 40 * pageBytes }));
  }
  t.is(engines.size, kernels.length);
});
test.after.always('closes the engines', async () => {
  for (const engine of engines.values()) await engine.close();
});

const used = (engine: Engine): number => engine.stats().memoryBytes;

for (const kernel of kernels) {
  test.serial(
    `${kernel}: a cache takes the pages of maxTokens, and gives them back with its last fork`,
    async (t) => {
      const engine = engineOf(kernel);
      using layer = await engine.multiHeadAttention(layerOf(given));
      const before = used(engine);
      for (const [options, pages] of [
        [{ maxTokens: 1 }, 1],
        [{ maxTokens: 128 }, 1],
        [{ maxTokens: 129, batch: 3 }, 6],
        [{ maxTokens: 300, dtype: 'f16' }, 1.5],
        [{ maxTokens: 300, dtype: 'bf16', batch: 2 }, 3],
        [{ maxTokens: 60, rolling: true }, 2],
      ] as const) {
        const cache = layer.createCache(options);
        t.is(used(engine), before + pages * pageBytes, JSON.stringify(options));
        const fork = cache.fork();
        cache.dispose();
        cache.dispose();
        t.is(used(engine), before + pages * pageBytes);
        fork.dispose();
        t.is(used(engine), before);
      }
    },
  );

  test.serial(`${kernel}: a cache over the limit of memory is refused, and nothing is taken`, async (t) => {
    const engine = engineOf(kernel);
    using layer = await engine.multiHeadAttention(layerOf(given));
    const before = used(engine);
    const words = ['MiB', 'over the limit', 'memoryLimitBytes'];
    await assertRefused(t, () => layer.createCache({ maxTokens: 41 * 128 }), {
      code: 'MEMORY_LIMIT',
      what: words,
    });
    await assertRefused(t, () => layer.createCache({ maxTokens: 2 ** 53 - 1, batch: 7 }), {
      code: 'MEMORY_LIMIT',
      what: words,
    });
    t.is(used(engine), before);
    using cache = layer.createCache({ maxTokens: 38 * 128 });
    await assertRefused(t, () => layer.createCache({ maxTokens: 128 * 5 }), {
      code: 'MEMORY_LIMIT',
      what: words,
    });
    const x = engine.tensor([1, 3000, 10]);
    await assertRefused(t, () => layer.forward(x, { causal: true, cache }), {
      code: 'MEMORY_LIMIT',
      what: words,
    });
    t.deepEqual(cache.tokens, [0], 'a call without memory leaves the cache as it was');
    await feed(given, layer, cache, [1, 5]);
    t.deepEqual(cache.tokens, [6]);
    cache.dispose();
    t.is(used(engine), before);
  });

  test.serial(`${kernel}: memory stays flat while a cache rolls and calls fail`, async (t) => {
    const engine = engineOf(kernel);
    using layer = await engine.multiHeadAttention(layerOf(given));
    const before = used(engine);
    using cache = layer.createCache({ maxTokens: 300, rolling: true });
    const withCache = used(engine);
    const x = engine.tensor([1, 1, 10]);
    for (let n = 0; n < 400; n++) {
      await layer.forward(x, { ...given.options, cache });
      if (n % 50 > 0) continue;
      using fork = cache.fork();
      const signal = AbortSignal.abort('no');
      await t.throwsAsync(layer.forward(x, { ...given.options, cache: fork, signal }), { any: true });
      const call = layer.forward(x, { ...given.options, cache: fork });
      await assertRefused(t, () => layer.forward(x, { ...given.options, cache: fork }), {
        code: 'CACHE_IN_USE',
      });
      await call;
      t.is(used(engine), withCache);
    }
    t.deepEqual(cache.tokens, [400]);
    cache.dispose();
    t.is(used(engine), before);
  });

  test.serial(
    `${kernel}: a cache disposed during a call lets it finish, then gives its memory back`,
    async (t) => {
      const engine = engineOf(kernel);
      using layer = await engine.multiHeadAttention(layerOf(given));
      const before = used(engine);
      const cache = layer.createCache({ maxTokens: 200 });
      using twin = layer.createCache({ maxTokens: 200 });
      const call = layer.forward(given.x, { ...given.options, cache });
      cache.dispose();
      const { output } = await call;
      const wanted = await layer.forward(given.x, { ...given.options, cache: twin });
      t.deepEqual(output.data, wanted.output.data);
      twin.dispose();
      t.is(used(engine), before);
    },
  );
}
