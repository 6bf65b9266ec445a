// What results are checked against before anything is timed: the float64 rows of src/measure, for the shapes of benchmarks.
import type { MultiHeadWeights } from '../../src/index.js';
import * as oracle from '../../src/measure/oracle-row.js';

export { relativeError } from '../../src/measure/relative-error.js';

interface Floats {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Row `row` of softmax(q·kᵀ / √headDim)·v for head `head` of q [1, heads, queries, headDim], k and v [1, heads, keys, headDim]. */
export function attentionRow(
  { q, k, v }: { readonly q: Floats; readonly k: Floats; readonly v: Floats },
  head: number,
  row: number,
): Float64Array {
  const [, , tokens, headDim] = k.shape as [number, number, number, number];
  // One head by itself, because queries may be fewer than keys.
  const ofHead = ({ data, shape }: Floats): Float32Array => {
    const length = shape[2]! * headDim;
    return data.subarray(head * length, (head + 1) * length);
  };
  const shape = { heads: 1, kvHeads: 1, headDim, modelDim: headDim, causal: false, window: null };
  const place = { entry: 0, query: row, tokens };
  return oracle.attentionRow(shape, { q: ofHead(q), k: ofHead(k), v: ofHead(v) }, place, 0);
}

/** Row `row` of the self-attention layer on x [tokens, modelDim] (query, key and value heads alike). */
export function layerRow(x: Floats, weights: MultiHeadWeights, heads: number, row: number): Float64Array {
  const [tokens, modelDim] = x.shape.slice(-2) as [number, number];
  const headDim = weights.query.weight.shape[0]! / heads;
  const shape = { heads, kvHeads: heads, headDim, modelDim, causal: false, window: null };
  return oracle.layerRow(shape, { x: x.data, weights }, { entry: 0, query: row, tokens });
}

/** @throws RangeError if the error reaches `least`, by default more than float32's of sums this long. */
export function checkClose(what: string, error: number, least = 1e-4): void {
  if (!(error < least)) throw new RangeError(`${what} is wrong: relative error ${error.toExponential(1)}`);
}
