// Caches over pages of one number a token, to follow their books without an engine.
import type { ExecutionContext } from 'ava';
import {
  KeyValueCache,
  type CachedSequence,
  type CacheStorage,
  type CacheUpdate,
} from '../../src/attention/cache.js';
import { resolveCacheOptions, type CacheOptions } from '../../src/attention/cache-options.js';
import { pagesFor } from '../../src/attention/page-table.js';

/** Few, so that short sequences fill pages. */
export const pageTokens = 4;

/** Pages of one number a token. */
export class FakeStorage implements CacheStorage {
  readonly pageTokens = pageTokens;
  readonly pageCount: number;
  readonly numbers: Int32Array;
  copies = 0;
  timesFreed = 0;
  failsToCopy = false;

  constructor(pageCount: number) {
    this.pageCount = pageCount;
    this.numbers = new Int32Array(pageCount * pageTokens);
  }

  copyPage(from: number, to: number): void {
    if (this.failsToCopy) throw new Error('no copy today');
    this.copies++;
    this.numbers.copyWithin(to * pageTokens, from * pageTokens, (from + 1) * pageTokens);
  }

  free(): void {
    this.timesFreed++;
  }
}

/** What the caches belong to. */
export const layer = {};

/** A cache with so many pages more than it needs without forks. */
export function openCache(options: CacheOptions, spare = 0): { cache: KeyValueCache; storage: FakeStorage } {
  const resolved = resolveCacheOptions(options);
  const storage = new FakeStorage(pagesFor({ ...resolved, pageTokens }) + spare);
  return { cache: new KeyValueCache({ ...resolved, layer, storage }), storage };
}

/** The storage of a cache of `openCache`. */
export function storageOf({ storage }: KeyValueCache): FakeStorage {
  if (storage instanceof FakeStorage) return storage;
  throw new Error('Not opened by this test');
}

/** Where token `n` of those that a call sees lies in the storage. */
export function slotOf({ pages }: CachedSequence, n: number): number {
  return pages[Math.floor(n / pageTokens)]! * pageTokens + (n % pageTokens);
}

/** Writes the new tokens of an open call, a row a sequence. */
export function writeTokens(
  cache: KeyValueCache,
  update: CacheUpdate,
  rows: readonly (readonly number[])[],
): void {
  const { numbers } = storageOf(cache);
  for (const [s, sequence] of update.sequences.entries()) {
    for (const [n, token] of rows[s]!.entries()) numbers[slotOf(sequence, sequence.before + n)] = token;
  }
}

/** One call that adds the tokens of each sequence. */
export function appendTokens(cache: KeyValueCache, ...rows: readonly (readonly number[])[]): void {
  const update = cache.begin(rows.map(({ length }) => length));
  writeTokens(cache, update, rows);
  update.commit();
}

/** What a cache holds of each sequence, and the position where that starts. */
export function readTokens(
  cache: KeyValueCache,
): { readonly firstToken: number; readonly tokens: number[] }[] {
  const { numbers } = storageOf(cache);
  const update = cache.begin(cache.tokens.map(() => 0));
  update.rollback();
  return update.sequences.map((sequence) => ({
    firstToken: sequence.firstToken,
    tokens: Array.from({ length: sequence.before }, (_, n) => numbers[slotOf(sequence, n)]!),
  }));
}

/** The same without the positions. */
export function tokensOf(cache: KeyValueCache): number[][] {
  return readTokens(cache).map(({ tokens }) => tokens);
}

/** start, start + 1, … */
export function count(length: number, start = 1): number[] {
  return Array.from({ length }, (_, n) => start + n);
}

/** That the cache has all its pages back when nothing is held any more, and frees its memory once. */
export function assertNoLeak(t: ExecutionContext, ...caches: readonly KeyValueCache[]): void {
  const [first, ...others] = caches;
  const storage = storageOf(first!);
  for (const cache of others) cache.dispose();
  first!.truncate(0);
  t.is(first!.freePages, storage.pageCount);
  t.is(storage.timesFreed, 0);
  first!.dispose();
  first!.dispose();
  t.is(storage.timesFreed, 1);
}
