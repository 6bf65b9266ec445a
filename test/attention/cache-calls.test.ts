// The books of one cache, over a storage of plain numbers: calls that add tokens, and those that do not.
import test from 'ava';
import { assertRefused, codeOf } from '../helpers/assertions.js';
import {
  appendTokens,
  assertNoLeak,
  count,
  openCache,
  tokensOf,
  writeTokens,
} from '../helpers/fake-storage.js';

test('tokens are read back in their order, across pages and calls', (t) => {
  const { cache } = openCache({ maxTokens: 11, batch: 2 });
  appendTokens(cache, [1, 2, 3], []);
  appendTokens(cache, [4, 5], [21]);
  appendTokens(cache, [], [22, 23, 24, 25, 26, 27, 28]);
  appendTokens(cache, count(6, 6), [29]);
  t.deepEqual(cache.tokens, [11, 9]);
  t.deepEqual(tokensOf(cache), [count(11), count(9, 21)]);
  assertNoLeak(t, cache);
});

test('a call sees the tokens before it and room after them', (t) => {
  const { cache } = openCache({ maxTokens: 12 });
  appendTokens(cache, count(5));
  const update = cache.begin([4]);
  t.deepEqual(update.sequences, [{ pages: [0, 1, 2], before: 5, firstToken: 0 }]);
  t.deepEqual(cache.tokens, [5], 'not counted yet');
  update.commit();
  t.deepEqual(cache.tokens, [9]);
});

test('only pages that tokens need are taken', (t) => {
  const { cache, storage } = openCache({ maxTokens: 40, batch: 2 });
  appendTokens(cache, count(5), []);
  t.is(cache.freePages, storage.pageCount - 2);
  appendTokens(cache, count(3), [1]);
  t.is(cache.freePages, storage.pageCount - 3);
});

test('a call that is rolled back leaves the cache as it was', (t) => {
  const { cache, storage } = openCache({ maxTokens: 12, batch: 2 });
  appendTokens(cache, count(6), count(4, 21));
  const update = cache.begin([5, 1]);
  writeTokens(cache, update, [count(5, 90), [99]]);
  t.is(cache.freePages, 6 - 3 - 2);
  update.rollback();
  t.is(cache.freePages, 3);
  t.deepEqual(cache.tokens, [6, 4]);
  t.deepEqual(tokensOf(cache), [count(6), count(4, 21)]);
  appendTokens(cache, count(6, 7), count(8, 25));
  t.deepEqual(tokensOf(cache), [count(12), count(12, 21)]);
  t.is(storage.copies, 0);
});

test('a call ends once, by what comes first', (t) => {
  const { cache } = openCache({ maxTokens: 8 });
  const first = cache.begin([3]);
  first.rollback();
  first.rollback();
  first.commit();
  t.deepEqual(cache.tokens, [0]);
  const second = cache.begin([3]);
  first.rollback();
  t.is(
    codeOf(() => cache.begin([1])),
    'CACHE_IN_USE',
    'an older call does not end it',
  );
  second.commit();
  second.rollback();
  second.commit();
  t.deepEqual(cache.tokens, [3]);
  t.is(cache.freePages, 1);
});

test('a cache in use by a call is refused to others', async (t) => {
  const { cache } = openCache({ maxTokens: 8 });
  appendTokens(cache, [1, 2]);
  const update = cache.begin([1]);
  const words = ['in use by another call'];
  await assertRefused(t, () => cache.begin([1]), { code: 'CACHE_IN_USE', what: words });
  await assertRefused(t, () => cache.begin([0]), { code: 'CACHE_IN_USE', what: words });
  await assertRefused(t, () => cache.fork(), { code: 'CACHE_IN_USE', what: words });
  await assertRefused(
    t,
    () => {
      cache.truncate(1);
    },
    { code: 'CACHE_IN_USE', what: words },
  );
  writeTokens(cache, update, [[3]]);
  update.commit();
  t.deepEqual(tokensOf(cache), [[1, 2, 3]]);
});

test('a sequence without room refuses the call for all of them', async (t) => {
  const { cache } = openCache({ maxTokens: 8, batch: 3 });
  appendTokens(cache, count(2), count(6, 21), count(8, 31));
  const before = cache.freePages;
  await assertRefused(t, () => cache.begin([6, 3, 0]), {
    code: 'CACHE_FULL',
    what: ['8 tokens', 'sequence 1 holds 6', '3 more'],
  });
  await assertRefused(t, () => cache.begin([0, 0, 1]), {
    code: 'CACHE_FULL',
    what: ['sequence 2 holds 8', '1 more'],
  });
  t.is(cache.freePages, before);
  t.deepEqual(cache.tokens, [2, 6, 8]);
  appendTokens(cache, count(6, 3), [27, 28], []);
  t.deepEqual(tokensOf(cache), [count(8), count(8, 21), count(8, 31)]);
  t.is(cache.lookBack, Infinity);
  assertNoLeak(t, cache);
});

test('truncating forgets what follows, and its pages', (t) => {
  const { cache } = openCache({ maxTokens: 12, batch: 2 });
  appendTokens(cache, count(10), count(5, 21));
  cache.truncate([6, 5]);
  t.deepEqual(tokensOf(cache), [count(6), count(5, 21)]);
  t.is(cache.freePages, 2);
  appendTokens(cache, [70, 80, 90], [26]);
  t.deepEqual(tokensOf(cache), [[...count(6), 70, 80, 90], count(6, 21)]);
  cache.truncate(4);
  t.deepEqual(tokensOf(cache), [count(4), count(4, 21)]);
  t.is(cache.freePages, 4);
  cache.truncate([0, 4]);
  t.deepEqual(cache.tokens, [0, 4]);
  assertNoLeak(t, cache);
});

test('truncating to what is not held is refused, for all sequences', async (t) => {
  const { cache } = openCache({ maxTokens: 12, batch: 2 });
  appendTokens(cache, count(6), count(3));
  const refused = (tokens: unknown, ...words: string[]) =>
    assertRefused(
      t,
      () => {
        cache.truncate(tokens as number);
      },
      { code: 'INVALID_OPTION', what: words },
    );
  await refused(4, '`tokens`', 'from 0 to 3', 'sequence 1', '`4`');
  await refused([7, 3], '`tokens[0]`', 'from 0 to 6', 'sequence 0');
  await refused([1, 4], '`tokens[1]`', 'from 0 to 3');
  await refused([1], '2 lengths');
  await refused([1, 1, 1], '2 lengths');
  await refused([1, -1], '`tokens[1]`');
  // A hole, which is no number.
  await refused(new Array(2), '`tokens[0]`', 'nothing');
  for (const value of [-1, 1.5, NaN, '1', null, undefined]) await refused(value, '`tokens`');
  t.deepEqual(cache.tokens, [6, 3]);
});
