// The options of a cache: their names, defaults and checks.
import { expected } from '../core/errors.js';
import { readObject } from '../core/read-object.js';
import { dtypes, type Dtype } from '../core/tensor/dtype.js';

/** What `layer.createCache` takes. */
export interface CacheOptions {
  /**
   * The most tokens that a sequence can hold. Of a rolling cache: how far back a window may look from the first new
   * token, and the most new tokens of a call.
   */
  readonly maxTokens: number;
  /** Sequences; default 1. */
  readonly batch?: number;
  /** How keys and values are stored; default 'f32'. */
  readonly dtype?: Dtype;
  /** Forgets tokens that lie more than maxTokens back, so that a sequence may go on for ever; default false. */
  readonly rolling?: boolean;
}

export type ResolvedCacheOptions = Required<CacheOptions>;

const optionNames = ['maxTokens', 'batch', 'dtype', 'rolling'] as const satisfies (keyof CacheOptions)[];

/** Checks the options of `createCache` and fills in the defaults. @throws INVALID_OPTION, UNKNOWN_OPTION */
export function resolveCacheOptions(options: CacheOptions): ResolvedCacheOptions {
  const read = readObject(options, { name: 'options', kind: 'option', fields: optionNames });
  const { maxTokens, batch = 1, dtype = 'f32', rolling = false } = read;
  for (const [name, value] of Object.entries({ maxTokens, batch })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw expected('INVALID_OPTION', 'an integer of at least 1', name, value);
  }
  if (!dtypes.includes(dtype)) throw expected('INVALID_OPTION', "'f32', 'f16' or 'bf16'", 'dtype', dtype);
  if (typeof rolling !== 'boolean') throw expected('INVALID_OPTION', 'true or false', 'rolling', rolling);
  return { maxTokens, batch, dtype, rolling };
}
