// The books of rolling caches: what they keep, what they give back, and how far a window may look.
import test from 'ava';
import fc from 'fast-check';
import { assertRefused } from '../helpers/assertions.js';
import {
  appendTokens,
  assertNoLeak,
  count,
  openCache,
  pageTokens,
  readTokens,
  writeTokens,
} from '../helpers/fake-storage.js';

test('a rolling cache keeps the last maxTokens tokens, and gives whole pages back', (t) => {
  const { cache, storage } = openCache({ maxTokens: 6, rolling: true });
  t.is(storage.pageCount, 4);
  for (let token = 1; token <= 60; token++) {
    appendTokens(cache, [token]);
    const [held] = readTokens(cache);
    t.is(held!.firstToken, Math.max(0, Math.floor((token - 6) / pageTokens) * pageTokens));
    t.deepEqual(held!.tokens, count(token - held!.firstToken, held!.firstToken + 1));
    t.deepEqual(cache.tokens, [token]);
    t.is(cache.lookBack, token <= 6 ? Infinity : 6);
    t.true(cache.freePages >= 1);
  }
  assertNoLeak(t, cache);
});

test('a rolling cache has room for calls of up to maxTokens tokens, whatever came before', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 14 }),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), { maxLength: 30 }),
      (maxTokens, calls) => {
        const { cache } = openCache({ maxTokens, batch: 2, rolling: true });
        let seen = 0;
        for (const [part, isKept] of calls) {
          const length = Math.round(part * maxTokens);
          const update = cache.begin([length, length]);
          for (const { before, firstToken, pages } of update.sequences) {
            t.is(before + firstToken, seen);
            t.true(firstToken <= Math.max(0, seen - maxTokens));
            t.is(pages.length, Math.ceil((before + length) / pageTokens));
          }
          if (isKept) update.commit();
          else update.rollback();
          if (isKept) seen += length;
          t.deepEqual(cache.tokens, [seen, seen]);
        }
        assertNoLeak(t, cache);
      },
    ),
    { seed: 6, numRuns: 300 },
  );
});

test('a rolling cache gives nothing back before the call is over', (t) => {
  const { cache, storage } = openCache({ maxTokens: 4, rolling: true });
  appendTokens(cache, count(4));
  appendTokens(cache, count(4, 5));
  const update = cache.begin([4]);
  t.deepEqual(
    update.sequences.map(({ before, firstToken }) => ({ before, firstToken })),
    [{ before: 4, firstToken: 4 }],
  );
  t.is(cache.freePages, storage.pageCount - 2);
  writeTokens(cache, update, [[90, 91, 92, 93]]);
  update.rollback();
  t.deepEqual(readTokens(cache), [{ firstToken: 4, tokens: count(4, 5) }]);
  appendTokens(cache, count(4, 9));
  t.deepEqual(readTokens(cache), [{ firstToken: 8, tokens: count(4, 9) }]);
});

test('a rolling cache refuses calls longer than itself', async (t) => {
  const { cache } = openCache({ maxTokens: 6, batch: 2, rolling: true });
  await assertRefused(t, () => cache.begin([6, 7]), {
    code: 'CACHE_FULL',
    what: ['6 tokens', 'sequence 1', '7 more'],
  });
  appendTokens(cache, count(6), count(6));
  appendTokens(cache, count(6), count(6));
  await assertRefused(t, () => cache.begin([7, 1]), {
    code: 'CACHE_FULL',
    what: ['sequence 0', 'at most that many a call'],
  });
});

test('a rolling cache is truncated after what it gave back, or anew', async (t) => {
  const { cache, storage } = openCache({ maxTokens: 6, rolling: true });
  for (let n = 0; n < 3; n++) appendTokens(cache, count(6, 1 + 6 * n));
  t.is(readTokens(cache)[0]!.firstToken, 12);
  await assertRefused(
    t,
    () => {
      cache.truncate(11);
    },
    { code: 'INVALID_OPTION', what: ['0 or an integer from 12 to 18', '`11`'] },
  );
  cache.truncate(17);
  t.is(cache.lookBack, 5, 'one token less is there to be looked at');
  appendTokens(cache, [18, 19]);
  t.is(cache.lookBack, 6);
  cache.truncate(12);
  t.is(cache.lookBack, 0);
  t.is(cache.freePages, storage.pageCount);
  appendTokens(cache, [50, 51]);
  t.deepEqual(readTokens(cache), [{ firstToken: 12, tokens: [50, 51] }]);
  t.is(cache.lookBack, 2);
  cache.truncate(0);
  t.is(cache.lookBack, Infinity);
  appendTokens(cache, count(6));
  t.deepEqual(readTokens(cache), [{ firstToken: 0, tokens: count(6) }]);
  assertNoLeak(t, cache);
});

test('a fork keeps what the rolling cache gives back', (t) => {
  const { cache, storage } = openCache({ maxTokens: 4, rolling: true }, 2);
  appendTokens(cache, count(4));
  appendTokens(cache, [5, 6]);
  const fork = cache.fork();
  appendTokens(cache, count(4, 7));
  appendTokens(cache, count(2, 11));
  t.deepEqual(readTokens(fork), [{ firstToken: 0, tokens: count(6) }]);
  t.deepEqual(readTokens(cache), [{ firstToken: 8, tokens: count(4, 9) }]);
  t.is(cache.freePages, storage.pageCount - 3);
  fork.dispose();
  t.is(cache.freePages, storage.pageCount - 1);
  assertNoLeak(t, cache);
});
