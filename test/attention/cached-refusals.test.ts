// Options and inputs that calls with a cache refuse: the whole message of each, and the cache as it was before.
import test from 'ava';
import { createEngine } from '../../src/index.js';
import { assertRefused } from '../helpers/assertions.js';
import { openRefuser } from '../helpers/cache-refusals.js';
import { cachedCase, layerOf } from '../helpers/cached-case.js';

const refuse = openRefuser();

refuse(
  'key lengths beside a cache are refused',
  () => ({ keyLengths: [3, 2] }),
  'Expected no `keyLengths` beside `cache` for `keyLengths`, got `[3,2]` (array)',
);
refuse(
  'key offsets beside a cache are refused',
  ({ engine }) => ({ input: engine.tensor([6, 10]), offsets: [0, 3, 6], keyOffsets: [0, 2, 6] }),
  'Expected no `keyOffsets` beside `cache` for `keyOffsets`, got `[0,2,6]` (array)',
);
refuse(
  'other keys than queries are refused',
  ({ engine }) => ({ input: { query: engine.tensor([2, 3, 10]), key: engine.tensor([2, 3, 10]) } }),
  'Expected no `key` and `value` beside `cache` for `cache`, got an object (KeyValueCache)',
);
refuse(
  'other values than keys are refused',
  ({ engine }) => {
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
  'more tokens than a cache is made for are refused',
  ({ engine }) => ({ input: engine.tensor([2, 7, 10]) }),
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

test('attention without a layer refuses a cache', async (t) => {
  await using engine = await createEngine({ kernel: 'reference', threads: 1 });
  const layer = await engine.multiHeadAttention(layerOf(cachedCase({ tokens: 1 })));
  const q = engine.tensor([1, 4, 3, 8]);
  const cache = layer.createCache({ maxTokens: 4 });
  await assertRefused(t, () => engine.attention({ q, k: q, v: q, cache }), {
    code: 'INVALID_OPTION',
    message:
      'Expected a call of `layer.forward`, whose layer makes caches, for `cache`, got an object (KeyValueCache)',
  });
});
