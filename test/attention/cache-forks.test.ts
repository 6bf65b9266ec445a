// The books of caches that share pages: every fork reads its own tokens, whatever the others do.
import test from 'ava';
import { assertRefused } from '../helpers/assertions.js';
import {
  appendTokens,
  assertNoLeak,
  count,
  layer,
  openCache,
  tokensOf,
  writeTokens,
} from '../helpers/fake-storage.js';

test('a fork reads the same tokens and goes on by itself', (t) => {
  const { cache, storage } = openCache({ maxTokens: 16, batch: 2 });
  appendTokens(cache, count(6), count(4, 21));
  const fork = cache.fork();
  t.like(fork, { maxTokens: 16, batch: 2, dtype: 'f32', rolling: false });
  t.is(fork.layer, layer);
  t.is(fork.storage, cache.storage);
  t.is(cache.freePages, 8 - 3, 'nothing is copied yet');
  appendTokens(fork, [100, 101, 102], [121]);
  t.is(storage.copies, 1, 'a full page stays shared');
  appendTokens(cache, [7], []);
  t.is(storage.copies, 1, 'the last holder writes in place');
  t.deepEqual(tokensOf(cache), [count(7), count(4, 21)]);
  t.deepEqual(tokensOf(fork), [
    [...count(6), 100, 101, 102],
    [...count(4, 21), 121],
  ]);
  assertNoLeak(t, cache, fork);
});

test('a fork of an empty cache, and forks of forks, are caches of their own', (t) => {
  const { cache } = openCache({ maxTokens: 40 });
  const first = cache.fork();
  appendTokens(first, count(3));
  const second = first.fork();
  appendTokens(second, [10]);
  const third = second.fork();
  appendTokens(third, [20, 21, 22]);
  appendTokens(second, [11]);
  appendTokens(first, [4]);
  t.deepEqual(tokensOf(cache), [[]]);
  t.deepEqual(tokensOf(first), [[1, 2, 3, 4]]);
  t.deepEqual(tokensOf(second), [[1, 2, 3, 10, 11]]);
  t.deepEqual(tokensOf(third), [[1, 2, 3, 10, 20, 21, 22]]);
  assertNoLeak(t, third, cache, second, first);
});

test('truncating into a shared page copies it before it is written', (t) => {
  const { cache, storage } = openCache({ maxTokens: 16 }, 2);
  appendTokens(cache, count(8));
  const fork = cache.fork();
  fork.truncate(6);
  t.deepEqual(tokensOf(cache), [count(8)]);
  appendTokens(fork, [60, 61]);
  t.is(storage.copies, 1);
  t.deepEqual(tokensOf(cache), [count(8)]);
  t.deepEqual(tokensOf(fork), [[...count(6), 60, 61]]);
  fork.truncate(2);
  appendTokens(fork, [50]);
  t.is(storage.copies, 2);
  t.deepEqual(tokensOf(cache), [count(8)]);
  t.deepEqual(tokensOf(fork), [[1, 2, 50]]);
  assertNoLeak(t, fork, cache);
});

test('truncating a shared cache to whole pages copies nothing', (t) => {
  const { cache, storage } = openCache({ maxTokens: 16 });
  appendTokens(cache, count(8));
  const fork = cache.fork();
  fork.truncate(4);
  appendTokens(fork, [50]);
  t.is(storage.copies, 0);
  t.deepEqual(tokensOf(fork), [[1, 2, 3, 4, 50]]);
  t.deepEqual(tokensOf(cache), [count(8)]);
});

test('forks in calls at the same time write apart', (t) => {
  const { cache, storage } = openCache({ maxTokens: 16 }, 1);
  appendTokens(cache, [1, 2]);
  const fork = cache.fork();
  const [mine, other] = [cache.begin([1]), fork.begin([1])];
  writeTokens(cache, mine, [[3]]);
  writeTokens(fork, other, [[30]]);
  other.commit();
  t.deepEqual(tokensOf(fork), [[1, 2, 30]]);
  mine.commit();
  t.deepEqual(tokensOf(cache), [[1, 2, 3]]);
  t.is(storage.copies, 2);
  t.is(cache.freePages, storage.pageCount - 2);
  assertNoLeak(t, cache, fork);
});

test('a call of a fork that is rolled back leaves both and shares their page again', (t) => {
  const { cache, storage } = openCache({ maxTokens: 12 }, 1);
  appendTokens(cache, count(6));
  const fork = cache.fork();
  const before = storage.numbers.slice(0, 8);
  const update = fork.begin([5]);
  writeTokens(fork, update, [count(5, 90)]);
  update.rollback();
  t.deepEqual(storage.numbers.slice(0, 8), before);
  t.is(cache.freePages, 2);
  t.deepEqual(tokensOf(fork), [count(6)]);
  appendTokens(cache, [7]);
  t.deepEqual(tokensOf(fork), [count(6)]);
  t.is(storage.copies, 2);
  assertNoLeak(t, cache, fork);
});

test('forks that leave too few pages refuse the call, and nothing is lost', async (t) => {
  const { cache, storage } = openCache({ maxTokens: 8, batch: 2 });
  appendTokens(cache, count(6), count(3, 21));
  const fork = cache.fork();
  await assertRefused(t, () => fork.begin([1, 1]), {
    code: 'CACHE_FULL',
    what: ['2 more tokens take 2 pages of 4', '1 of 4 free'],
  });
  t.is(fork.freePages, 1);
  t.is(storage.copies, 0);
  t.deepEqual(fork.tokens, [6, 3]);
  appendTokens(fork, [], [34]);
  await assertRefused(t, () => cache.begin([1, 0]), {
    code: 'CACHE_FULL',
    what: ['1 more tokens take 1 pages', '0 of 4 free'],
  });
  fork.dispose();
  appendTokens(cache, [7, 8], [24]);
  t.deepEqual(tokensOf(cache), [count(8), count(4, 21)]);
  assertNoLeak(t, cache);
});

test('a copy that fails leaves the cache as it was', (t) => {
  const { cache, storage } = openCache({ maxTokens: 16, batch: 2 });
  appendTokens(cache, [1], [21]);
  const fork = cache.fork();
  storage.failsToCopy = true;
  t.throws(() => fork.begin([1, 1]), { message: 'no copy today' });
  t.is(fork.freePages, storage.pageCount - 2);
  storage.failsToCopy = false;
  appendTokens(fork, [2], [22]);
  t.deepEqual(tokensOf(cache), [[1], [21]]);
  t.deepEqual(tokensOf(fork), [
    [1, 2],
    [21, 22],
  ]);
  assertNoLeak(t, cache, fork);
});
