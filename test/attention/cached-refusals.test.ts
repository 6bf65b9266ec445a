// What calls with a cache refuse: the whole message of each, and the cache as it was before.
import test from 'ava';
import {
  createEngine,
  type AttentionOptions,
  type CacheOptions,
  type CrossInputs,
  type Engine,
  type ErrorCode,
  type KeyValueCache,
  type MultiHeadAttention,
  type TensorLike,
} from '../../src/index.js';
import { messageOf } from '../helpers/assertions.js';
import { cachedCase, layerOf } from '../helpers/cached-case.js';

const given = cachedCase({ tokens: 20, batch: 2 });

let engine: Engine;
let layer: MultiHeadAttention;

test.before('starts an engine', async (t) => {
  engine = await createEngine({ kernel: 'reference', threads: 1 });
  layer = await engine.multiHeadAttention(layerOf(given));
  t.pass();
});
test.after.always('closes the engine', async (t) => {
  await engine.close();
  t.pass();
});

type Change = AttentionOptions & { readonly input?: TensorLike | CrossInputs };

/** A call of 3 new tokens of 2 sequences, on a cache of 4 each, with a change. */
function refuse(
  title: string,
  change: (cache: KeyValueCache) => Change | Promise<Change>,
  message: string,
  code: ErrorCode = 'INVALID_OPTION',
): void {
  test(title, async (t) => {
    const cache = layer.createCache({ maxTokens: 10, batch: 2 });
    await layer.forward(engine.tensor([2, 4, 10]), { cache });
    const { input = engine.tensor([2, 3, 10]), ...options } = await change(cache);
    const error = await messageOf(() => layer.forward(input, { cache, ...options }));
    t.deepEqual(error, { code, message });
    t.deepEqual(cache.tokens, [4, 4]);
    await layer.forward(engine.tensor([2, 6, 10]), { cache });
    cache.dispose();
  });
}

refuse(
  'key lengths beside a cache are refused',
  () => ({ keyLengths: [3, 2] }),
  'Expected no `keyLengths` beside `cache` for `keyLengths`, got `[3,2]` (array)',
);
refuse(
  'key offsets beside a cache are refused',
  () => ({ input: engine.tensor([6, 10]), offsets: [0, 3, 6], keyOffsets: [0, 2, 6] }),
  'Expected no `keyOffsets` beside `cache` for `keyOffsets`, got `[0,2,6]` (array)',
);
refuse(
  'other keys than queries are refused',
  () => ({ input: { query: engine.tensor([2, 3, 10]), key: engine.tensor([2, 3, 10]) } }),
  'Expected no `key` and `value` beside `cache` for `cache`, got an object (KeyValueCache)',
);
refuse(
  'other values than keys are refused',
  () => {
    const query = engine.tensor([2, 3, 10]);
    return { input: { query, key: query, value: engine.tensor([2, 3, 10]) } };
  },
  'Expected no `key` and `value` beside `cache` for `cache`, got an object (KeyValueCache)',
);
refuse(
  'an alignment beside a cache is refused',
  () => ({ causal: true, alignment: 'bottom-right' }),
  'Expected none beside `cache`, whose tokens say it, for `alignment`, got `"bottom-right"` (string)',
);
for (const causal of ['top-left', 'bottom-right'] as const) {
  refuse(
    `causality that is ${causal} beside a cache is refused`,
    () => ({ causal }),
    `Expected true or false beside \`cache\`, whose tokens say the alignment, for \`causal\`, got \`"${causal}"\` (string)`,
  );
}
refuse(
  'another batch than the cache has is refused',
  () => ({ input: engine.tensor([3, 3, 10]) }),
  'Expected as many sequences as the batch has (3) in the caches together for `cache`, got `2` (number)',
);
refuse(
  'one sequence on a cache of two is refused',
  () => ({ input: engine.tensor([3, 10]) }),
  'Expected as many sequences as the batch has (1) in the caches together for `cache`, got `2` (number)',
);
refuse(
  'a list that counts other sequences than the batch is refused',
  (cache) => ({ cache: [cache, layer.createCache({ maxTokens: 4 })] }),
  'Expected as many sequences as the batch has (2) in the caches together for `cache`, got `3` (number)',
);
refuse(
  'caches of different types of numbers are refused',
  (cache) => ({ cache: [cache, layer.createCache({ maxTokens: 4, dtype: 'f16' })] }),
  'Expected caches of one dtype for `cache`, got `["f32","f16"]` (array)',
);
refuse(
  'a cache given twice is refused',
  (cache) => ({ cache: [cache, cache], input: engine.tensor([4, 3, 10]) }),
  'Expected each cache once for `cache[1]`, got `"cache[0]"` (string)',
);
refuse(
  'an empty list is refused',
  () => ({ cache: [], input: engine.tensor([0, 3, 10]) }),
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
  (cache) => ({ cache: [cache, undefined as unknown as KeyValueCache] }),
  'Expected a cache of `layer.createCache` for `cache[1]`, got nothing',
);
refuse(
  'a cache of another layer is refused',
  async () => {
    const other = await engine.multiHeadAttention(layerOf(given));
    return { cache: other.createCache({ maxTokens: 10, batch: 2 }) };
  },
  'Expected a cache of this layer for `cache`, got an object (KeyValueCache)',
);
refuse(
  'a disposed cache is refused',
  () => {
    const cache = layer.createCache({ maxTokens: 10, batch: 2 });
    cache.dispose();
    return { cache };
  },
  'The cache was disposed before the call',
  'ENGINE_CLOSED',
);
refuse(
  'more tokens than a cache is made for are refused',
  () => ({ input: engine.tensor([2, 7, 10]) }),
  'The cache is made for 10 tokens (maxTokens); sequence 0 holds 4, and 7 more were asked for',
  'CACHE_FULL',
);
refuse(
  'a mask that lacks the tokens of the cache is refused',
  () => ({ mask: { shape: [3, 3], data: new Uint8Array(9) } }),
  'Expected a shape that broadcasts from the right to [2, 4, 3, 7] for `mask.shape`, got `[3,3]` (array)',
  'INVALID_SHAPE',
);
refuse(
  'positions of another count than the new tokens are refused',
  () => ({ rope: { base: 10, positions: [0, 1, 2, 3, 4, 5, 6] } }),
  'Expected a list of 3 or 6 positions, one a token, for `rope.positions`, got `[0,1,2,3,4,5,6]` (array)',
);

const rolling: CacheOptions = { maxTokens: 10, batch: 2, rolling: true };
for (const [title, window, got] of [
  ['no window', undefined, 'nothing'],
  ['a window without a bound to the left', { right: 1 }, 'nothing'],
  ['a window that reaches behind it', { left: 11 }, '`11` (number)'],
] as const) {
  refuse(
    `a rolling cache with ${title} is refused`,
    () => ({ cache: layer.createCache(rolling), causal: true, ...(window && { window }) }),
    `Expected an integer from 0 to 10, what the rolling cache keeps, for \`window.left\`, got ${got}`,
  );
}
refuse(
  'a window that reaches behind what a cut rolling cache still has is refused',
  async () => {
    const cache = layer.createCache({ ...rolling, maxTokens: 130 });
    const options = { cache, window: { left: 130 }, causal: true } as const;
    for (const length of [130, 130, 128]) await layer.forward(engine.tensor([2, length, 10]), options);
    cache.truncate([388, 300]);
    return options;
  },
  'Expected an integer from 0 to 44, what the rolling cache keeps, for `window.left`, got `130` (number)',
);

test('attention without a layer refuses a cache', async (t) => {
  const q = engine.tensor([1, 4, 3, 8]);
  const cache = layer.createCache({ maxTokens: 4 });
  t.deepEqual(await messageOf(() => engine.attention({ q, k: q, v: q, cache })), {
    code: 'INVALID_OPTION',
    message:
      'Expected a call of `layer.forward`, whose layer makes caches, for `cache`, got an object (KeyValueCache)',
  });
});
