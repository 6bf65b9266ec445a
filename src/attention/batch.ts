// The sequences of a batch, as shapes, lengths and offsets tell them.
import { expected } from '../core/errors.js';
import { readList } from '../core/read-object.js';
import { unexpectedShape, type Shape } from '../core/tensor/shape.js';
import type { AttentionOptions } from './options.js';

/** One sequence of a batch; rows count tokens from the start of the batch. */
export interface Entry {
  readonly queryRow: number;
  readonly queries: number;
  readonly keyRow: number;
  /** Keys that are attended: those of a cache and those of the call; padding behind them is never read. */
  readonly keys: number;
  /** Those of the call: all of them, where there is no cache. */
  readonly newKeys: number;
  /** The position of key 0, where a cache has given tokens back; else 0. */
  readonly firstToken: number;
}

export interface Batch {
  readonly entries: readonly Entry[];
  /** Rows of the query tensor, padding included. */
  readonly queryRows: number;
  readonly keyRows: number;
  /** Lengths of the axes [batch, query tokens, key tokens]; undefined where sequences differ in length. */
  readonly dense: { readonly batch: number; readonly queries: number; readonly keys: number } | undefined;
  /** Queries of every entry, where they are given as [batch, tokens]; undefined for a ragged batch. */
  readonly denseQueries: number | undefined;
  /** Whether new tokens follow those of a cache, which says where they stand. */
  readonly isCached: boolean;
}

/** The lengths and offsets of a call, not yet checked. */
export interface Lengths {
  readonly keyLengths: readonly number[] | undefined;
  readonly offsets: readonly number[] | undefined;
  readonly keyOffsets: readonly number[] | undefined;
}

/** The part of the options that decides which rows are sequences. */
export function lengthsOf({ keyLengths, offsets, keyOffsets }: AttentionOptions): Lengths {
  return { keyLengths, offsets, keyOffsets };
}

// A shape claims them at no cost, and each takes memory and time all the same.
const mostEmpty = 65_536;

/**
 * A batch of `batch` sequences of equal lengths, of whose keys the first `keyLengths[b]` count.
 * @throws INVALID_OPTION if `keyLengths` has another count or a length outside 0 … keys; INVALID_SHAPE for more sequences
 * without rows than anybody needs
 */
export function denseBatch(batch: number, queries: number, keys: number, lengths: Lengths): Batch {
  const { keyLengths: givenLengths, keyOffsets } = lengths;
  if (keyOffsets !== undefined) {
    throw expected('INVALID_OPTION', '`offsets` beside it', 'keyOffsets', keyOffsets);
  }
  if (queries === 0 && keys === 0 && batch > mostEmpty) {
    throw expected('INVALID_SHAPE', `a batch of at most ${mostEmpty} sequences without rows`, 'batch', batch);
  }
  const keyLengths = givenLengths && readLengths(givenLengths, batch, keys);
  const entries = Array.from({ length: batch }, (_, b): Entry => {
    const valid = keyLengths?.[b] ?? keys;
    return { queryRow: b * queries, queries, keyRow: b * keys, keys: valid, newKeys: valid, firstToken: 0 };
  });
  const dense = { batch, queries, keys };
  const rows = { queryRows: batch * queries, keyRows: batch * keys };
  return { entries, ...rows, dense, denseQueries: queries, isCached: false };
}

/**
 * A ragged batch: sequence n is the rows offsets[n] … offsets[n + 1] - 1 and attends its own keys only.
 * `keyOffsets` is needed where keys are other rows than queries (cross-attention).
 * @throws INVALID_OPTION if offsets don't start at 0, ascend and end at the number of rows.
 */
export function raggedBatch(queryRows: number, keyRows: number, lengths: Lengths, isSelf: boolean): Batch {
  if (lengths.keyLengths !== undefined) {
    throw expected('INVALID_OPTION', 'no `keyLengths` beside `offsets`', 'keyLengths', lengths.keyLengths);
  }
  const offsets = readOffsets('offsets', lengths.offsets, queryRows);
  const keyOffsets =
    lengths.keyOffsets === undefined && isSelf
      ? offsets
      : readOffsets('keyOffsets', lengths.keyOffsets, keyRows);
  if (keyOffsets.length !== offsets.length) {
    throw expected(
      'INVALID_OPTION',
      `${offsets.length} offsets, as in \`offsets\``,
      'keyOffsets',
      keyOffsets,
    );
  }
  const entries = offsets.slice(1).map((end, n): Entry => {
    const [queryRow, keyRow] = [offsets[n]!, keyOffsets[n]!];
    const keys = keyOffsets[n + 1]! - keyRow;
    return { queryRow, queries: end - queryRow, keyRow, keys, newKeys: keys, firstToken: 0 };
  });
  return { entries, queryRows, keyRows, dense: undefined, denseQueries: undefined, isCached: false };
}

/** The leading axes [batch, tokens] of a tensor whose last axis is its width; rank 2 is a batch of one. */
export function rowsOf(name: string, shape: Shape): { readonly batch: number; readonly tokens: number } {
  if (shape.length === 3) return { batch: shape[0]!, tokens: shape[1]! };
  if (shape.length === 2) return { batch: 1, tokens: shape[0]! };
  throw unexpectedShape('INVALID_SHAPE', 'shape [batch, tokens, width] or [tokens, width]', name, shape);
}

/** @throws INVALID_OPTION */
function readLengths(given: readonly number[], batch: number, keys: number): number[] {
  if (!Array.isArray(given) || given.length !== batch) {
    throw expected('INVALID_OPTION', `${batch} lengths, one a batch entry`, 'keyLengths', given);
  }
  const read = (length: unknown, b: number): number => {
    if (isInteger(length) && length >= 0 && length <= keys) return length;
    throw expected('INVALID_OPTION', `an integer from 0 to ${keys}`, `keyLengths[${b}]`, length);
  };
  return readList(given, read, batch);
}

/** @throws INVALID_OPTION */
function readOffsets(name: string, given: readonly number[] | undefined, rows: number): number[] {
  if (!Array.isArray(given)) throw expected('INVALID_OPTION', 'a list of row offsets', name, given);
  let last = 0;
  const offsets = readList(given, (offset, n) => {
    const most = n === 0 ? 0 : rows;
    if (!isInteger(offset) || offset < last || offset > most) {
      const what = n === 0 ? '0' : `an integer from ${last} to ${rows}`;
      throw expected('INVALID_OPTION', what, `${name}[${n}]`, offset);
    }
    last = offset;
    return offset;
  });
  if (offsets.length < 1) throw expected('INVALID_OPTION', 'a list of row offsets', name, offsets);
  if (last === rows) return offsets;
  const what = `${rows}, the number of rows`;
  throw expected('INVALID_OPTION', what, `${name}[${offsets.length - 1}]`, last);
}

function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}
