// What the options of a call resolve to: free of where its operands lie and of who computes it. Types only.
import type { Priority } from '../core/protocol/messages.js';
import type { ScoreRules } from '../core/protocol/score-rules.js';
import type { Rotary } from '../core/protocol/head-work.js';
import type { Shape } from '../core/tensor/shape.js';
import type { Entry } from './batch.js';
import type { ScoresToReturn } from './options.js';

/** The rules of scores on shared memory, as the caller gave them. */
export type CallRules = ScoreRules<Float32Array<SharedArrayBuffer>, Uint8Array<SharedArrayBuffer>>;

/** Rotary positions of queries and keys. */
export interface ResolvedRotary extends Rotary {
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
  readonly rules: CallRules;
  /** The position of query 0 of an entry. */
  readonly diagonalOf: (entry: Entry) => number;
  readonly rope: ResolvedRotary | null;
  readonly qkNorm: ResolvedNorm | null;
  readonly returnWeights: 'heads' | 'mean' | null;
  readonly returnScores: ScoresToReturn | null;
  readonly headStatistics: boolean;
  readonly returnLogSumExp: boolean;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly priority: Priority;
  readonly out: { readonly data: Float32Array<SharedArrayBuffer>; readonly shape: Shape } | undefined;
}
