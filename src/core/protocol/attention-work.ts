// The work of attention: what it reads, which options apply, what it writes.
import type { Region } from '../tensor/region.js';
import type { HeadLayout, Paging } from './layout.js';
import type { StatisticsOutput } from './statistics.js';

/** What attention reads and writes; one table of entries. */
export interface AttentionWork {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly valueDim: number;
  readonly scale: number;
  /** 0 = none. */
  readonly softcap: number;
  /** Query at position p may attend the keys p - left <= j <= p + right; Infinity = no bound, causal = 0 to the right. */
  readonly left: number;
  readonly right: number;
  readonly query: HeadLayout;
  readonly key: HeadLayout;
  readonly value: HeadLayout;
  /** Where keys and values lie in pages; their layouts are then those inside a page. */
  readonly paging: Paging | null;
  readonly output: HeadLayout;
  readonly extra: ExtraKeys | null;
  readonly mask: Broadcast | null; // bytes, 0 = left out
  readonly bias: Broadcast | null; // floats
  readonly alibiSlopes: Region | null; // [heads]
  readonly sinks: Region | null; // [heads]
  readonly headScale: Region | null; // [heads]
  /** Heads whose output is zeros without being computed. */
  readonly deadHeads: readonly number[];
  readonly weights: WeightsOutput | null;
  readonly scores: ScoresOutput | null;
  readonly statistics: StatisticsOutput | null;
  readonly logSumExp: { readonly region: Region; readonly headStride: number } | null;
}

/** Attention of query blocks. Units: [entry, first key/value head, end key/value head, first query, end query]. */
export interface AttendWork extends AttentionWork {
  readonly kind: 'attend';
}

/**
 * Attention of entries that are decoding: one query on many keys, which memory bounds.
 * Units: [entry, first key/value head, end key/value head, first key, end key].
 */
export interface DecodeWork extends AttentionWork {
  readonly kind: 'decode';
  /** Null where every entry is computed in one piece. */
  readonly split: SplitKeys | null;
}

/** Entries with more keys than a range are computed range by range. */
export interface SplitKeys {
  readonly keysPerRange: number;
  /** Of an entry: [kvHeads, ranges, rows, partialFloats(valueDim)]. */
  readonly partial: Region;
}

/** Floats of what a row gathers over a range of keys: undivided output, maximum, sum, and 1 if it attended a key. */
export function partialFloats(valueDim: number): number {
  return valueDim + 3;
}

/** Rows (queries times query heads of a key/value head) that a kernel takes at most when decoding. */
export const mostDecodingRows = 8;

/**
 * What rows gathered over ranges of keys, put together; one table of entries.
 * Units: [entry, first key/value head, end key/value head, -, -].
 */
export interface MergeWork extends Pick<
  AttentionWork,
  'heads' | 'kvHeads' | 'valueDim' | 'output' | 'logSumExp' | 'headScale'
> {
  readonly kind: 'merge';
  readonly split: SplitKeys;
}

/** Keys and values that every query attends besides those of its sequence; the same ones in every sequence. */
export interface ExtraKeys {
  readonly count: number;
  readonly key: Region; // [kvHeads, count, headDim]
  readonly value: Region; // [kvHeads, count, valueDim]
}

/** Strides of [entry, head, query, key], 0 along the axes that repeat. */
export interface Broadcast {
  readonly region: Region;
  readonly strides: readonly [number, number, number, number];
}

/** Element (entry, head, query, key) at the sum of the strides, extra keys from `extraColumn` on. */
export interface ColumnsOutput {
  readonly region: Region;
  readonly entryStride: number;
  readonly headStride: number;
  readonly queryStride: number;
  readonly extraColumn: number;
}

/** 'mean' adds 1/heads of every head into one. */
export interface WeightsOutput extends ColumnsOutput {
  readonly mode: 'heads' | 'mean';
}

/** After the scale; after the softcap; with ALiBi, bias and what is left out. */
export type ScoreStage = 'scaled' | 'softcapped' | 'biased';

export interface ScoresOutput extends ColumnsOutput {
  readonly stage: ScoreStage;
}
