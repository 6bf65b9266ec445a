// What a layer must give for whole sequences, by the float64 program, and how far off an output is.
import { offsetsOf } from '../../src/files/sequences/layout.js';
import type { OracleLayerOptions, OracleWeights } from '../oracle/oracle.js';
import { multiHeadOracle } from '../oracle/oracle.js';
import type { GivenSequences } from './sequence-files.js';

type Given = Pick<GivenSequences, 'width' | 'lengths' | 'rows'>;

export interface OracleRun {
  readonly weights: OracleWeights;
  readonly heads: number;
  readonly query: Given;
  /** Default: the queries. */
  readonly key?: Given;
  /** Default: the keys. */
  readonly value?: Given;
  readonly causal?: boolean;
}

/** The output rows [tokens, outputDim] of all sequences. */
export function layerOracle({ weights, heads, causal = false, ...given }: OracleRun): Float64Array {
  const { query, key = query, value = key } = given;
  const options: OracleLayerOptions = {
    heads,
    offsets: offsetsOf(query.lengths),
    keyOffsets: offsetsOf(key.lengths),
    ...(causal && { causalOffset: () => 0 }),
  };
  const inputs = { query: tensorOf(query), key: tensorOf(key), value: tensorOf(value) };
  return multiHeadOracle(weights, inputs, options).output;
}

/** The largest difference of two lists of numbers; Infinity if one is longer. */
export function worstError(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (found.length !== wanted.length) return Infinity;
  let worst = 0;
  for (let n = 0; n < wanted.length; n++) {
    const error = Math.abs(found[n]! - wanted[n]!);
    if (!(error <= worst)) worst = Number.isNaN(error) ? Infinity : error;
  }
  return worst;
}

function tensorOf({ rows, width }: Given) {
  return { shape: [rows.length / width, width], data: rows };
}
