// One row of an output in float64, by plain loops: what an engine's numbers are held against before anything is timed.
import type { LinearWeights, MultiHeadWeights } from '../attention/weights.js';

type Numbers = ArrayLike<number>;

/** Heads and options that rows depend on. */
export interface RowCase {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly modelDim: number;
  readonly causal: boolean;
  /** Earlier tokens that a query attends beside itself; null: all. */
  readonly window: number | null;
}

/** Where a row stands. */
export interface RowPlace {
  readonly entry: number;
  /** Its position among the keys. */
  readonly query: number;
  /** Tokens of the sequence. */
  readonly tokens: number;
}

/** Row of head `head` of softmax(q·kᵀ / √headDim)·v; tensors [batch, heads, tokens, headDim]. */
export function attentionRow(
  shape: RowCase,
  { q, k, v }: { readonly q: Float32Array; readonly k: Float32Array; readonly v: Float32Array },
  place: RowPlace,
  head: number,
): Float64Array {
  const { heads, kvHeads, headDim } = shape;
  const { entry, query, tokens } = place;
  const kvHead = Math.floor((head * kvHeads) / heads);
  const rowOf = (data: Float32Array, count: number, at: number, token: number): Numbers =>
    slice(data, (entry * count + at) * tokens + token, headDim);
  const queryRow = rowOf(q, heads, head, query);
  const keys = attendedKeys(shape, place);
  const weights = softmax(keys, (j) => dot(queryRow, rowOf(k, kvHeads, kvHead, j)) / Math.sqrt(headDim));
  return mix(weights, headDim, (n) => rowOf(v, kvHeads, kvHead, keys.first + n));
}

/**
 * Row of the self-attention layer on x [batch, tokens, modelDim]. Keys and values are never formed: q·(Wx + b) is taken
 * as (Wᵀq)·x + q·b and Σ p(Wx + b) as W(Σ px) + b, so that a row of many tokens is cheap.
 */
export function layerRow(
  shape: RowCase,
  { x, weights }: { readonly x: Float32Array; readonly weights: MultiHeadWeights },
  place: RowPlace,
): Float64Array {
  const { heads, kvHeads, headDim, modelDim } = shape;
  const tokenOf = (token: number): Numbers => slice(x, place.entry * place.tokens + token, modelDim);
  const query = applyRows(weights.query, tokenOf(place.query), 0, heads * headDim);
  const keys = attendedKeys(shape, place);
  const concat = new Float64Array(heads * headDim);
  for (let head = 0; head < heads; head++) {
    const first = Math.floor((head * kvHeads) / heads) * headDim;
    const q = query.subarray(head * headDim, (head + 1) * headDim);
    const { weight, bias } = weights.key;
    const folded = mix(q, modelDim, (d) => slice(weight.data, first + d, modelDim));
    const constant = bias === undefined ? 0 : dot(q, bias.data.subarray(first, first + headDim));
    const mixed = mix(
      softmax(keys, (j) => (dot(folded, tokenOf(j)) + constant) / Math.sqrt(headDim)),
      modelDim,
      (n) => tokenOf(keys.first + n),
    );
    concat.set(applyRows(weights.value, mixed, first, headDim), head * headDim);
  }
  return applyRows(weights.output, concat, 0, modelDim);
}

interface Keys {
  readonly first: number;
  readonly end: number;
}

function attendedKeys({ causal, window }: RowCase, { query, tokens }: RowPlace): Keys {
  return { first: window === null ? 0 : Math.max(0, query - window), end: causal ? query + 1 : tokens };
}

function softmax({ first, end }: Keys, scoreOf: (key: number) => number): Float64Array {
  const scores = Float64Array.from({ length: end - first }, (_, n) => scoreOf(first + n));
  const largest = scores.reduce((a, b) => Math.max(a, b));
  const exponentials = scores.map((score) => Math.exp(score - largest));
  const sum = exponentials.reduce((a, b) => a + b);
  return exponentials.map((value) => value / sum);
}

/** Σ factors[n] · rowOf(n) */
function mix(factors: Numbers, width: number, rowOf: (index: number) => Numbers): Float64Array {
  const sum = new Float64Array(width);
  for (let n = 0; n < factors.length; n++) {
    const [factor, row] = [factors[n]!, rowOf(n)];
    for (let d = 0; d < width; d++) sum[d]! += factor * row[d]!;
  }
  return sum;
}

/** outputs first … first + count of weight · input + bias. */
function applyRows(
  { weight, bias }: LinearWeights,
  input: Numbers,
  first: number,
  count: number,
): Float64Array {
  return Float64Array.from(
    { length: count },
    (_, n) => dot(slice(weight.data, first + n, input.length), input) + (bias?.data[first + n] ?? 0),
  );
}

function dot(a: Numbers, b: Numbers): number {
  let sum = 0;
  for (let n = 0; n < a.length; n++) sum += a[n]! * b[n]!;
  return sum;
}

function slice(data: Float32Array | Uint16Array, row: number, width: number): Numbers {
  return data.subarray(row * width, (row + 1) * width);
}
