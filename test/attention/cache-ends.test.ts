// The end of caches: pages and memory go back once, whoever goes first.
import test from 'ava';
import { assertRefused, codeOf } from '../helpers/assertions.js';
import { appendTokens, count, openCache, tokensOf } from '../helpers/fake-storage.js';

for (const order of [
  [0, 1, 2],
  [2, 1, 0],
  [1, 0, 2],
  [1, 2, 0],
]) {
  test(`memory is freed with the last of three forks, in the order ${order.join(', ')}`, (t) => {
    const { cache, storage } = openCache({ maxTokens: 32 });
    appendTokens(cache, count(6));
    const caches = [cache, cache.fork()];
    appendTokens(caches[1]!, [70]);
    caches.push(caches[1]!.fork());
    for (const [at, n] of order.entries()) {
      t.is(storage.timesFreed, 0);
      for (const left of order.slice(at)) t.is(caches[left]!.tokens[0], left === 0 ? 6 : 7);
      t.deepEqual(tokensOf(caches[n]!), [left(n)]);
      caches[n]!.dispose();
      caches[n]![Symbol.dispose]();
    }
    t.is(storage.timesFreed, 1);
    t.is(cache.freePages, storage.pageCount);
  });
}

function left(n: number): number[] {
  return n === 0 ? count(6) : [...count(6), 70];
}

test('a disposed cache is refused', async (t) => {
  const { cache } = openCache({ maxTokens: 8 });
  appendTokens(cache, [1]);
  const fork = cache.fork();
  cache.dispose();
  t.deepEqual(cache.tokens, []);
  const words = ['cache was disposed before'];
  await assertRefused(t, () => cache.begin([1]), { code: 'ENGINE_CLOSED', what: words });
  await assertRefused(t, () => cache.fork(), { code: 'ENGINE_CLOSED', what: words });
  await assertRefused(
    t,
    () => {
      cache.truncate(0);
    },
    { code: 'ENGINE_CLOSED', what: words },
  );
  t.deepEqual(tokensOf(fork), [[1]]);
});

for (const end of ['commit', 'rollback'] as const) {
  test(`a cache disposed during a call keeps its pages until the ${end}`, (t) => {
    const { cache, storage } = openCache({ maxTokens: 8 });
    appendTokens(cache, count(3));
    const update = cache.begin([2]);
    cache.dispose();
    t.is(storage.timesFreed, 0);
    t.is(cache.freePages, 0);
    t.is(
      codeOf(() => cache.begin([1])),
      'ENGINE_CLOSED',
    );
    update[end]();
    update.rollback();
    cache.dispose();
    t.is(storage.timesFreed, 1);
    t.is(cache.freePages, 2);
  });
}

test('a cache is disposed at the end of its block', (t) => {
  const { cache, storage } = openCache({ maxTokens: 8 });
  {
    using scoped = cache;
    appendTokens(scoped, [1]);
  }
  t.is(storage.timesFreed, 1);
});
