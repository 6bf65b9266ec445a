// What is to be computed, free of where operands lie and of who computes it. Types only.
import type { Shape } from '../tensor/shape.js';

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
  /** Keys that count; padding behind them is never read. */
  readonly keys: number;
}

export interface Batch {
  readonly entries: readonly Entry[];
  /** Rows of the query tensor, padding included. */
  readonly queryRows: number;
  readonly keyRows: number;
  /** Lengths of the axes [batch, query tokens, key tokens]; undefined for a ragged batch. */
  readonly dense: { readonly batch: number; readonly queries: number; readonly keys: number } | undefined;
}

/** An operand that repeats along the axes with stride 0; the axes are [entry, head, query, key]. */
export interface BroadcastOperand<T> {
  readonly data: T;
  readonly strides: readonly [number, number, number, number];
}

/** The options of one call, checked against its batch and with every default filled in. */
export interface ResolvedOptions {
  readonly scale: number;
  /** Query at position p may attend p - left <= j <= p + right. */
  readonly left: number;
  readonly right: number;
  /** The position of query 0 of an entry. */
  readonly diagonalOf: (entry: Entry) => number;
  readonly mask: BroadcastOperand<Uint8Array<SharedArrayBuffer>> | null;
  readonly bias: BroadcastOperand<Float32Array<SharedArrayBuffer>> | null;
  readonly returnWeights: 'heads' | 'mean' | null;
  readonly returnLogSumExp: boolean;
  readonly signal: AbortSignal | undefined;
  readonly out: { readonly data: Float32Array<SharedArrayBuffer>; readonly shape: Shape } | undefined;
}
