// The float64 programs that results are checked against before anything is timed, one query row at a time.
import type { LinearWeights, MultiHeadWeights, TensorLike } from '../../src/index.js';

/** A row of numbers in a larger array. */
type Row = ArrayLike<number>;

/** Row `row` of softmax(q·kᵀ / √headDim)·v for head `head` of q [1, heads, queries, headDim], k and v likewise. */
export function attentionRow(
  inputs: { readonly q: TensorLike; readonly k: TensorLike; readonly v: TensorLike },
  head: number,
  row: number,
): Float64Array {
  const [, , keys, headDim] = inputs.k.shape as [number, number, number, number];
  const rowOf = ({ data, shape }: TensorLike, token: number): Row =>
    sliceRow(data, head * shape[2]! + token, headDim);
  const query = rowOf(inputs.q, row);
  const probabilities = softmax(keys, (j) => dot(query, rowOf(inputs.k, j)) / Math.sqrt(headDim));
  return mix(probabilities, headDim, (j) => rowOf(inputs.v, j));
}

/**
 * Row `row` of the self-attention layer on x [tokens, modelDim] (query, key and value heads alike). Keys and values are
 * never formed: q·(Wx + b) is taken as (Wᵀq)·x + q·b and Σ p(Wx + b) as W(Σ px) + b, so a row of any length is cheap.
 */
export function layerRow(x: TensorLike, weights: MultiHeadWeights, heads: number, row: number): Float64Array {
  const [tokens, modelDim] = x.shape.slice(-2) as [number, number];
  const headDim = weights.query.weight.shape[0]! / heads;
  const tokenOf = (token: number): Row => sliceRow(x.data, token, modelDim);
  const query = applyRows(weights.query, tokenOf(row), 0, heads * headDim);
  const concat = new Float64Array(heads * headDim);
  for (let head = 0; head < heads; head++) {
    const first = head * headDim;
    const q = query.subarray(first, first + headDim);
    const folded = mix(q, modelDim, (d) => sliceRow(weights.key.weight.data, first + d, modelDim));
    const constant =
      weights.key.bias === undefined ? 0 : dot(q, weights.key.bias.data.subarray(first, first + headDim));
    const scoreOf = (j: number): number => (dot(folded, tokenOf(j)) + constant) / Math.sqrt(headDim);
    const probabilities = softmax(tokens, scoreOf);
    concat.set(applyRows(weights.value, mix(probabilities, modelDim, tokenOf), first, headDim), first);
  }
  return applyRows(weights.output, concat, 0, weights.output.weight.shape[0]!);
}

/** The largest difference from `wanted`, as a share of the largest number in it. */
export function relativeError(found: Row, wanted: Row): number {
  let difference = 0;
  let largest = 0;
  for (let n = 0; n < wanted.length; n++) {
    difference = Math.max(difference, Math.abs(found[n]! - wanted[n]!));
    largest = Math.max(largest, Math.abs(wanted[n]!));
  }
  return found.length === wanted.length && !Number.isNaN(difference) ? difference / largest : Infinity;
}

/** @throws RangeError if the error reaches `least`, by default more than float32's of sums this long. */
export function checkClose(what: string, error: number, least = 1e-4): void {
  if (!(error < least)) throw new RangeError(`${what} is wrong: relative error ${error.toExponential(1)}`);
}

/** outputs first … first + count of weight · input + bias. */
function applyRows({ weight, bias }: LinearWeights, input: Row, first: number, count: number): Float64Array {
  return Float64Array.from(
    { length: count },
    (_, n) => dot(sliceRow(weight.data, first + n, input.length), input) + (bias?.data[first + n] ?? 0),
  );
}

function softmax(count: number, scoreOf: (index: number) => number): Float64Array {
  const scores = Float64Array.from({ length: count }, (_, j) => scoreOf(j));
  const largest = scores.reduce((a, b) => Math.max(a, b));
  const exponentials = scores.map((score) => Math.exp(score - largest));
  const sum = exponentials.reduce((a, b) => a + b);
  return exponentials.map((value) => value / sum);
}

/** Σ factors[j] · rowOf(j) */
function mix(factors: Row, width: number, rowOf: (index: number) => Row): Float64Array {
  const sum = new Float64Array(width);
  for (let j = 0; j < factors.length; j++) {
    const row = rowOf(j);
    for (let d = 0; d < width; d++) sum[d]! += factors[j]! * row[d]!;
  }
  return sum;
}

function dot(a: Row, b: Row): number {
  let sum = 0;
  for (let n = 0; n < a.length; n++) sum += a[n]! * b[n]!;
  return sum;
}

function sliceRow(data: Float32Array | Uint16Array, row: number, width: number): Row {
  return data.subarray(row * width, (row + 1) * width);
}
