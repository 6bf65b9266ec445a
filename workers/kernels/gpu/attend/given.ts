// What a dispatch of attention is told beside its buffers: places of operands, rules, and numbers of the host. Types only.
import type { ScoreRules } from '../../../../src/core/protocol/score-rules.js';
import type { Strided } from '../../../../src/core/protocol/strided.js';

/** Where elements lie in the buffer that is bound. */
export type Place = Omit<Strided, 'data'>;

export interface AttentionGiven {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly valueDim: number;
  /** Rows of `entryWords`. */
  readonly entries: Float64Array;
  /** Heads that are not computed; who owns the output clears it. */
  readonly deadHeads: readonly number[];
  readonly query: Place;
  readonly key: Place;
  readonly value: Place;
  readonly output: Place;
  readonly rules: Pick<ScoreRules, 'scale' | 'softcap' | 'left' | 'right'>;
  readonly bias: Place | null;
  /** Of bytes: offset and strides count them from the start of the bound buffer. */
  readonly mask: Place | null;
  /** A number a head. */
  readonly alibiSlopes: Float32Array | null;
  readonly sinks: Float32Array | null;
  readonly headScale: Float32Array | null;
  /** [kvHeads, count, headDim] and [kvHeads, count, valueDim] */
  readonly extra: { readonly keys: Float32Array; readonly values: Float32Array } | null;
}
