// The work of attention: what it reads, which rules apply, what it writes.
import type { Region } from '../tensor/region.js';
import type { Heads, Paging } from './layout.js';
import type { ScoreRules, ScoreStage } from './score-rules.js';
import type { StatisticsOutput } from './statistics.js';
import type { Strided } from './strided.js';

/** What attention reads and writes; one table of entries. Rows are tokens, columns are dims or keys. */
export interface AttentionWork extends Heads {
  readonly rules: ScoreRules;
  readonly query: Strided;
  readonly key: Strided;
  readonly value: Strided;
  /** Where keys and values lie in pages; they are then laid out as inside a page. */
  readonly paging: Paging | null;
  readonly output: Strided;
  readonly extra: ExtraKeys | null;
  /** Heads whose output is zeros without being computed. */
  readonly deadHeads: readonly number[];
  readonly weights: WeightsOutput | null;
  readonly scores: ScoresOutput | null;
  readonly statistics: StatisticsOutput | null;
  readonly logSumExp: Strided | null;
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

/**
 * Floats of what a row gathers over a range of keys: undivided output, maximum, sum, 1 if it attended a key; then the
 * output divided before it was added up, which counts where the other is not finite.
 */
export function partialFloats(valueDim: number): number {
  return meansOfPartial(valueDim) + valueDim;
}

/** Where the divided output begins. */
export function meansOfPartial(valueDim: number): number {
  return valueDim + 3;
}

/** Rows (queries times query heads of a key/value head) that a kernel takes at most when decoding. */
export const mostDecodingRows = 8;

/**
 * What rows gathered over ranges of keys, put together; one table of entries.
 * Units: [entry, first key/value head, end key/value head, -, -].
 */
export interface MergeWork extends Omit<Heads, 'headDim'> {
  readonly kind: 'merge';
  readonly output: Strided;
  readonly logSumExp: Strided | null;
  readonly headScale: ScoreRules['headScale'];
  readonly split: SplitKeys;
}

/** Keys and values that every query attends besides those of its sequence; the same ones in every sequence. */
export interface ExtraKeys {
  readonly count: number;
  readonly key: Strided; // [kvHeads, count, headDim]
  readonly value: Strided; // [kvHeads, count, valueDim]
}

/** A number for each query and key, those of extra keys from `extraColumn` on. */
export interface KeyColumns<Data = Region> extends Strided<Data> {
  readonly extraColumn: number;
}

/** Probabilities times `share`, stored or added. */
export interface WeightsOutput<Data = Region> extends KeyColumns<Data> {
  readonly share: number;
  readonly isAdded: boolean;
}

/** Scores as they are after `stage`; -Infinity where 'biased' leaves them out. */
export interface ScoresOutput<Data = Region> extends KeyColumns<Data> {
  readonly stage: ScoreStage;
}
