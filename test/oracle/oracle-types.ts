// What the oracle is given and what it says. Types only.
import type { OracleStatistics } from './oracle-statistics.js';

/** Numbers in row-major order; whoever measures a kernel passes the decoded float32 values that the kernel reads. */
export type Numbers = ArrayLike<number>;

/** The lengths of all axes: q [batch, heads, queries, headDim], k and v [batch, kvHeads, keys, headDim | valueDim]. */
export interface OracleDims {
  readonly batch: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly queries: number;
  readonly keys: number;
  readonly headDim: number;
  readonly valueDim: number;
}

/** What decides, besides the operands, who attends whom and how much; absent means everybody, scaled by 1/√headDim. */
export interface OracleOptions {
  readonly scale?: number | undefined;
  /** Query i of entry b attends keys j <= i + causalOffset(b). */
  readonly causalOffset?: ((entry: number) => number) | undefined;
  /** Query i of entry b stands at i + offset(b); default `causalOffset`, else 0. */
  readonly offset?: ((entry: number) => number) | undefined;
  readonly keyLengths?: readonly number[] | undefined;
  /** true = attend. */
  readonly mask?: ((b: number, h: number, i: number, j: number) => boolean) | undefined;
  /** Added to the scaled score; -Infinity = left out. */
  readonly bias?: ((b: number, h: number, i: number, j: number) => number) | undefined;
  /** Keys from position - left to position + right are attended; an absent side has no bound. */
  readonly window?: { readonly left?: number; readonly right?: number } | undefined;
  /** c of c · tanh(score / c). */
  readonly softcap?: number | undefined;
  /** [heads]; slope · |position - j| is subtracted. */
  readonly alibiSlopes?: Numbers | undefined;
  /** [heads], logits that join the denominator only. */
  readonly sinks?: Numbers | undefined;
  /** [heads], factors of the output. */
  readonly headScale?: Numbers | undefined;
  readonly rope?: OracleRope | undefined;
  /** Weights [headDim] of RMSNorm on queries and keys; epsilon is 1e-6 by default. */
  readonly qkNorm?: { readonly q: Numbers; readonly k: Numbers; readonly epsilon?: number } | undefined;
}

/** Pair n of the first `dims` numbers of a head turns by position · base^(-2n / dims). */
export interface OracleRope {
  readonly base: number;
  /** Default headDim. */
  readonly dims?: number;
  /** Pairs (2n, 2n + 1) instead of (n, n + dims/2). */
  readonly interleaved?: boolean;
  /** Default i + offset(b). */
  readonly queryPosition?: (b: number, i: number) => number;
  /** Default j. */
  readonly keyPosition?: (b: number, j: number) => number;
}

export interface OracleInputs extends OracleOptions {
  readonly dims: OracleDims;
  readonly q: Numbers;
  readonly k: Numbers;
  readonly v: Numbers;
  /**
   * Keys [kvHeads, count, headDim] and values [kvHeads, count, valueDim] that every query attends, in every entry. They
   * have no position: neither qkNorm nor rope, ALiBi, bias and window see them.
   */
  readonly extra?: { readonly count: number; readonly k: Numbers; readonly v: Numbers } | undefined;
}

/** Where a score can be looked at; 'probabilities' are the weights. */
export type OracleStage = 'scaled' | 'softcapped' | 'biased' | 'probabilities';

export interface OracleResult {
  readonly output: Float64Array; // [batch, heads, queries, valueDim]
  readonly weights: Float64Array; // [batch, heads, queries, keys + extra.count], 0 where left out
  /**
   * [batch, heads, queries], sinks included. -Infinity for a query that may attend no key and has no sink, and for one
   * whose scores are all -Infinity, whose weights are 0 / 0.
   */
  readonly logSumExp: Float64Array;
  /**
   * [batch, heads, queries, keys + extra.count]. 'scaled' and 'softcapped' hold every valid key, left out or not, and
   * 'biased' has -Infinity where left out, as all have after the key lengths.
   */
  readonly scores: (stage: OracleStage) => Float64Array;
  readonly headStatistics: OracleStatistics;
}
