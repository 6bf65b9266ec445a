// What is to be computed, free of where operands lie and of who computes it. Types only.
import type { Shape } from '../core/tensor/shape.js';
import type { ScoresToReturn } from './options.js';

/** The heads of an attention and their widths. */
export interface Heads {
  readonly heads: number;
  /** Key/value heads; query head h reads head floor(h / (heads / kvHeads)). */
  readonly kvHeads: number;
  readonly headDim: number;
  readonly valueDim: number;
}

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

/** An operand that repeats along the axes with stride 0; the axes are [entry, head, query, key]. */
export interface BroadcastOperand<T> {
  readonly data: T;
  readonly strides: readonly [number, number, number, number];
}

/** Rotary positions of queries and keys. */
export interface ResolvedRotary {
  readonly base: number;
  readonly dims: number;
  readonly interleaved: boolean;
  /** Of each row of the batch; null = those of the diagonal for queries, 0, 1, … for keys. */
  readonly positions: Float64Array<SharedArrayBuffer> | null;
}

/** RMS normalisation of queries and keys, with weights [headDim]. */
export interface ResolvedNorm {
  readonly query: Float32Array<SharedArrayBuffer>;
  readonly key: Float32Array<SharedArrayBuffer>;
  readonly epsilon: number;
}

/** The options of one call, checked against its batch and with every default filled in. */
export interface ResolvedOptions {
  readonly scale: number;
  /** 0 = none. */
  readonly softcap: number;
  /** Query at position p may attend p - left <= j <= p + right. */
  readonly left: number;
  readonly right: number;
  /** The position of query 0 of an entry. */
  readonly diagonalOf: (entry: Entry) => number;
  readonly mask: BroadcastOperand<Uint8Array<SharedArrayBuffer>> | null;
  readonly bias: BroadcastOperand<Float32Array<SharedArrayBuffer>> | null;
  /** Of each head. */
  readonly alibiSlopes: Float32Array<SharedArrayBuffer> | null;
  readonly sinks: Float32Array<SharedArrayBuffer> | null;
  readonly headScale: Float32Array<SharedArrayBuffer> | null;
  readonly rope: ResolvedRotary | null;
  readonly qkNorm: ResolvedNorm | null;
  readonly returnWeights: 'heads' | 'mean' | null;
  readonly returnScores: ScoresToReturn | null;
  readonly headStatistics: boolean;
  readonly returnLogSumExp: boolean;
  readonly signal: AbortSignal | undefined;
  readonly out: { readonly data: Float32Array<SharedArrayBuffer>; readonly shape: Shape } | undefined;
}
