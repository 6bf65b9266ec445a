// One row of an output in float64, by plain loops: what an engine's numbers are held against before anything is timed.
// Scores and their softmax are those that explain a row; values, projections and the concatenation are formed here.
import { denseBatch, type Batch } from '../../attention/batch.js';
import { prepareRow } from '../../attention/explain.js';
import { explainRow, type RowSource } from '../../attention/explain-row.js';
import type { AttentionOptions } from '../../attention/options.js';
import type { ResolvedOptions } from '../../attention/resolved-options.js';
import { resolveOptions } from '../../attention/resolve-options.js';
import type { LinearWeights, MultiHeadWeights } from '../../attention/weights.js';

type Numbers = ArrayLike<number>;

/** The heads of a case, and the tokens of its sequences. */
export interface RowShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
}

/** A row of all heads. */
export interface RowPlace {
  readonly entry: number;
  readonly query: number;
}

/** What one head makes of a row. */
export interface HeadRow {
  readonly output: Float64Array; // [headDim]
  readonly weights: Float64Array; // [keys]
  readonly logSumExp: number;
  readonly position: number;
}

/** Rows of attention on given heads, or of a whole self-attention layer. */
export class Oracle {
  readonly #shape: RowShape;
  readonly #batch: Batch;
  readonly #options: ResolvedOptions;

  /** @throws INVALID_OPTION, INVALID_SHAPE */
  constructor(shape: RowShape, options: AttentionOptions = {}) {
    const { batch, queries, keys, headDim } = shape;
    const lengths = { keyLengths: options.keyLengths, offsets: undefined, keyOffsets: undefined };
    this.#shape = shape;
    this.#batch = denseBatch(batch, queries, keys, lengths);
    this.#options = resolveOptions(options, { ...shape, valueDim: headDim }, this.#batch, []);
  }

  /** Row of head `head` on q [batch, heads, queries, headDim], k and v [batch, kvHeads, keys, headDim]. */
  attentionRow(
    { q, k, v }: Readonly<Record<'q' | 'k' | 'v', Float32Array>>,
    place: RowPlace,
    head: number,
  ): HeadRow {
    const { heads, kvHeads, queries, keys, headDim } = this.#shape;
    const kvHead = this.#kvHeadOf(head);
    const keyRow = (key: number): number => (place.entry * kvHeads + kvHead) * keys + key;
    const queryRow = (place.entry * heads + head) * queries + place.query;
    return this.#headRow(place, head, {
      query: Float64Array.from(slice(q, queryRow, headDim)),
      keyAt: (key) => Float64Array.from(slice(k, keyRow(key), headDim)),
      sumValues: (p) => mix(p, headDim, (key) => slice(v, keyRow(key), headDim)),
    });
  }

  /**
   * Row of the layer on x [batch, tokens, modelDim]. Keys and values are formed where options turn or normalise them
   * alone: else q·(Wx + b) is taken as (Wᵀq)·x + q·b and Σ p(Wx + b) as W(Σ px) + b Σ p, so that a row is cheap.
   */
  layerRow(
    { x, weights }: { readonly x: Float32Array; readonly weights: MultiHeadWeights },
    place: RowPlace,
  ): { readonly output: Float64Array; readonly heads: readonly HeadRow[] } {
    const { heads, headDim, keys } = this.#shape;
    const modelDim = x.length / (this.#shape.batch * keys);
    const tokenOf = (token: number): Numbers => slice(x, place.entry * keys + token, modelDim);
    const rows = Array.from({ length: heads }, (_, head): HeadRow => {
      const first = this.#kvHeadOf(head) * headDim;
      const query = applyRows(weights.query, tokenOf(place.query), head * headDim, headDim);
      return this.#headRow(place, head, {
        ...this.#scoresOf(query, weights.key, first, tokenOf, modelDim),
        sumValues: (p) => applyRows(weights.value, mix(p, modelDim, tokenOf), first, headDim, sum(p)),
      });
    });
    const concat = Float64Array.from(rows.flatMap(({ output }) => [...output]));
    return { output: applyRows(weights.output, concat, 0, modelDim), heads: rows };
  }

  #scoresOf(
    query: Float64Array,
    key: LinearWeights,
    first: number,
    tokenOf: (token: number) => Numbers,
    modelDim: number,
  ): Pick<RowSource, 'query' | 'keyAt'> {
    const { headDim } = this.#shape;
    if (this.#options.rope !== null || this.#options.qkNorm !== null)
      return { query, keyAt: (token) => applyRows(key, tokenOf(token), first, headDim) };
    const folded = mix(query, modelDim, (d) => slice(key.weight.data, first + d, modelDim));
    const constant = key.bias === undefined ? 0 : dot(query, key.bias.data.subarray(first, first + headDim));
    // The products themselves, as vectors of one number.
    return {
      query: Float64Array.of(1),
      keyAt: (token) => Float64Array.of(dot(folded, tokenOf(token)) + constant),
    };
  }

  #headRow(
    { entry, query: row }: RowPlace,
    head: number,
    source: Pick<RowSource, 'query' | 'keyAt'> & {
      readonly sumValues: (weights: Float64Array) => Float64Array;
    },
  ): HeadRow {
    const [batch, options] = [this.#batch, this.#options];
    const position = row + options.diagonalOf(batch.entries[entry]!);
    const place = { batch: entry, head, kvHead: this.#kvHeadOf(head), query: row, position };
    const { query, keyAt, sumValues } = source;
    const explained = explainRow(prepareRow({ place, batch, options, query, keyAt, extraKeys: [] }));
    const { keys, logSumExp, headScale = 1 } = explained;
    const weights = Float64Array.from(keys, ({ steps, leftOut }) =>
      leftOut === undefined ? Math.exp(steps!.biased - logSumExp) : 0,
    );
    const output = sumValues(weights).map((value) => value * headScale);
    return { output, weights, logSumExp, position };
  }

  #kvHeadOf(head: number): number {
    return Math.floor((head * this.#shape.kvHeads) / this.#shape.heads);
  }
}

/** Σ factors[n] · rowOf(n) */
function mix(factors: Numbers, width: number, rowOf: (index: number) => Numbers): Float64Array {
  const total = new Float64Array(width);
  for (let n = 0; n < factors.length; n++) {
    const factor = factors[n]!;
    // What is left out may be padding.
    if (factor === 0) continue;
    const row = rowOf(n);
    for (let d = 0; d < width; d++) total[d]! += factor * row[d]!;
  }
  return total;
}

/** outputs first … first + count of weight · input + share · bias. */
function applyRows(
  { weight, bias }: LinearWeights,
  input: Numbers,
  first: number,
  count: number,
  share = 1,
): Float64Array {
  return Float64Array.from(
    { length: count },
    (_, n) => dot(slice(weight.data, first + n, input.length), input) + share * (bias?.data[first + n] ?? 0),
  );
}

function dot(a: Numbers, b: Numbers): number {
  let total = 0;
  for (let n = 0; n < a.length; n++) total += a[n]! * b[n]!;
  return total;
}

function sum(numbers: Float64Array): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function slice(data: Float32Array | Uint16Array, row: number, width: number): Numbers {
  return data.subarray(row * width, (row + 1) * width);
}
