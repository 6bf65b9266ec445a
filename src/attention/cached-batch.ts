// New tokens behind those that caches hold: the sequences of a call with the option `cache`.
import { expected } from '../core/errors.js';
import { readList } from '../core/read-object.js';
import { KeyValueCache } from './cache.js';
import type { AttentionOptions } from './options.js';
import type { Batch, Entry } from './batch.js';

/**
 * The caches of a call, none where the option is absent.
 * @throws INVALID_OPTION if one isn't of `layer`, or they can't be used together; ENGINE_CLOSED
 */
export function cachesOf(cache: AttentionOptions['cache'], layer: object): readonly KeyValueCache[] {
  if (cache === undefined) return [];
  const isList = Array.isArray(cache);
  const caches = readList(isList ? cache : [cache], (given, n): KeyValueCache => {
    if (KeyValueCache.isCache(given) && given.layer === layer) return given;
    const what = KeyValueCache.isCache(given) ? 'a cache of this layer' : 'a cache of `layer.createCache`';
    throw expected('INVALID_OPTION', what, isList ? `cache[${n}]` : 'cache', given);
  });
  if (caches.length === 0) throw expected('INVALID_OPTION', 'at least one cache', 'cache', cache);
  for (const [n, given] of caches.entries()) {
    if (caches.indexOf(given) === n) given.refuseIfDisposed();
    else
      throw expected('INVALID_OPTION', 'each cache once', `cache[${n}]`, `cache[${caches.indexOf(given)}]`);
  }
  const dtypes = caches.map(({ dtype }) => dtype);
  if (dtypes.some((dtype) => dtype !== dtypes[0])) {
    throw expected('INVALID_OPTION', 'caches of one dtype', 'cache', dtypes);
  }
  return caches;
}

/**
 * The entries of `batch`, whose keys follow those of their caches.
 * @throws INVALID_OPTION if the caches hold another count of sequences, or one has given back what a window may attend
 */
export function behindCaches(
  batch: Batch,
  caches: readonly KeyValueCache[],
  { window, keyLengths, keyOffsets }: AttentionOptions,
): Batch {
  const { dense } = batch;
  for (const [name, given] of Object.entries({ keyLengths, keyOffsets })) {
    if (given === undefined) continue;
    throw expected('INVALID_OPTION', `no \`${name}\` beside \`cache\``, name, given);
  }
  const before = caches.flatMap(({ tokens }) => tokens);
  if (before.length !== batch.entries.length) {
    const what = `as many sequences as the batch has (${batch.entries.length}) in the caches together`;
    throw expected('INVALID_OPTION', what, 'cache', before.length);
  }
  const rolling = caches.filter((cache) => cache.rolling);
  for (const { maxTokens, lookBack } of rolling) {
    const most = Math.min(maxTokens, lookBack);
    if (window?.left !== undefined && window.left <= most) continue;
    const what = `an integer from 0 to ${most}, what the rolling cache keeps,`;
    throw expected('INVALID_OPTION', what, 'window.left', window?.left);
  }
  const areAlike = before.every((tokens) => tokens === before[0]);
  return {
    ...batch,
    entries: batch.entries.map((entry, n): Entry => ({ ...entry, keys: before[n]! + entry.queries })),
    dense:
      dense && areAlike && rolling.length === 0 ? { ...dense, keys: before[0]! + dense.queries } : undefined,
    isCached: true,
  };
}
