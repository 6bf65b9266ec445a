// The work on heads between projections and attention: gathering, rotating, appending to caches.
import type { Region } from '../tensor/region.js';
import type { Paging } from './layout.js';
import type { Strided } from './strided.js';

/**
 * Heads copied into working memory; two tables of entries, before and after.
 * Units: [entry, first head, end head, copy, -].
 */
export interface GatherWork {
  readonly kind: 'gather';
  readonly copies: readonly HeadCopy[];
}

export interface HeadCopy {
  readonly operand: 'query' | 'key' | 'value';
  readonly from: Strided;
  readonly to: Strided;
  readonly heads: number;
  readonly dims: number;
}

/**
 * Heads normalised, then turned, in place; one table of entries. A row has all its heads in one unit.
 * Units: [entry, 0 = query | 1 = key, first row, end row, first row of the entry in the batch].
 */
export interface RotateWork {
  readonly kind: 'rotate';
  readonly query: RotatedHeads;
  readonly key: RotatedHeads;
  readonly headDim: number;
  /** Added to the mean of the squares. */
  readonly epsilon: number;
  /** Null where heads are normalised only. */
  readonly rotary: Rotary | null;
}

export interface RotatedHeads {
  readonly layout: Strided;
  readonly heads: number;
  readonly norm: Region | null; // [headDim] floats
  /** Doubles [rows of the batch]; null = each row stands one behind the row before it. */
  readonly positions: Region | null;
}

/** Pair i of a head turns by position · base^(-2i / dims); what lies behind the first `dims` numbers stays. */
export interface Rotary {
  readonly base: number;
  readonly dims: number;
  /** Pairs (2i, 2i + 1) instead of (i, i + dims/2). */
  readonly interleaved: boolean;
}

/**
 * New keys and values into pages; two tables of entries: of the rows of the call, and of where a page has them.
 * Units: [entry, first key/value head, end key/value head, first new row, end new row].
 */
export interface AppendWork {
  readonly kind: 'append';
  readonly key: { readonly from: Strided; readonly to: Strided; readonly dims: number };
  readonly value: { readonly from: Strided; readonly to: Strided; readonly dims: number };
  readonly paging: Paging;
}
