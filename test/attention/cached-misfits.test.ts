// Caches that a call can't use: of other sequences, layers or numbers, disposed, or rolled further than a window looks.
import type { CacheOptions, KeyValueCache } from '../../src/index.js';
import { openRefuser } from '../helpers/cache-refusals.js';
import { cachedCase, layerOf } from '../helpers/cached-case.js';

const refuse = openRefuser();
const given = cachedCase({ tokens: 1 });

refuse(
  'another batch than the cache has is refused',
  ({ engine }) => ({ input: engine.tensor([3, 3, 10]) }),
  'Expected as many sequences as the batch has (3) in the caches together for `cache`, got `2` (number)',
);
refuse(
  'one sequence on a cache of two is refused',
  ({ engine }) => ({ input: engine.tensor([3, 10]) }),
  'Expected as many sequences as the batch has (1) in the caches together for `cache`, got `2` (number)',
);
refuse(
  'a list that counts other sequences than the batch is refused',
  ({ layer, cache }) => ({ cache: [cache, layer.createCache({ maxTokens: 4 })] }),
  'Expected as many sequences as the batch has (2) in the caches together for `cache`, got `3` (number)',
);
refuse(
  'caches of different types of numbers are refused',
  ({ layer, cache }) => ({ cache: [cache, layer.createCache({ maxTokens: 4, dtype: 'f16' })] }),
  'Expected caches of one dtype for `cache`, got `["f32","f16"]` (array)',
);
refuse(
  'a cache given twice is refused',
  ({ engine, cache }) => ({ cache: [cache, cache], input: engine.tensor([4, 3, 10]) }),
  'Expected each cache once for `cache[1]`, got `"cache[0]"` (string)',
);
refuse(
  'an empty list is refused',
  ({ engine }) => ({ cache: [], input: engine.tensor([0, 3, 10]) }),
  'Expected at least one cache for `cache`, got `[]` (array)',
);
for (const [value, got] of [
  [null, '`null`'],
  ['f32', '`"f32"` (string)'],
  [{}, 'an object (Object)'],
  [new Map(), 'an object (Map)'],
] as const) {
  refuse(
    `${got} for a cache is refused`,
    () => ({ cache: value as unknown as KeyValueCache }),
    `Expected a cache of \`layer.createCache\` for \`cache\`, got ${got}`,
  );
}
refuse(
  'a hole in a list is refused',
  ({ cache }) => ({ cache: [cache, undefined as unknown as KeyValueCache] }),
  'Expected a cache of `layer.createCache` for `cache[1]`, got nothing',
);
refuse(
  'a cache of another layer is refused',
  async ({ engine }) => {
    const other = await engine.multiHeadAttention(layerOf(given));
    return { cache: other.createCache({ maxTokens: 10, batch: 2 }) };
  },
  'Expected a cache of this layer for `cache`, got an object (KeyValueCache)',
);
refuse(
  'a disposed cache is refused',
  ({ layer }) => {
    const cache = layer.createCache({ maxTokens: 10, batch: 2 });
    cache.dispose();
    return { cache };
  },
  'The cache was disposed before the call',
  'ENGINE_CLOSED',
);
const rolling: CacheOptions = { maxTokens: 10, batch: 2, rolling: true };
for (const [title, window, got] of [
  ['no window', undefined, 'nothing'],
  ['a window without a bound to the left', { right: 1 }, 'nothing'],
  ['a window that reaches behind it', { left: 11 }, '`11` (number)'],
] as const) {
  refuse(
    `a rolling cache with ${title} is refused`,
    ({ layer }) => ({ cache: layer.createCache(rolling), causal: true, ...(window && { window }) }),
    `Expected an integer from 0 to 10, what the rolling cache keeps, for \`window.left\`, got ${got}`,
  );
}
refuse(
  'a window that reaches behind what a cut rolling cache still has is refused',
  async ({ engine, layer }) => {
    const cache = layer.createCache({ ...rolling, maxTokens: 130 });
    const options = { cache, window: { left: 130 }, causal: true } as const;
    for (const length of [130, 130, 128]) await layer.forward(engine.tensor([2, length, 10]), options);
    cache.truncate([388, 300]);
    return options;
  },
  'Expected an integer from 0 to 44, what the rolling cache keeps, for `window.left`, got `130` (number)',
);
