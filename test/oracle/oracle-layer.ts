// The oracle's layer: projections, the attention of one sequence after the other, concatenation and W^O.
import { attendOracle } from './oracle-attention.js';
import { attendedKeys } from './oracle-scores.js';
import type { Numbers, OracleInputs, OracleOptions, OracleResult } from './oracle-types.js';

interface OracleTensor {
  readonly shape: readonly number[];
  readonly data: Numbers;
}

/** y = x · weightᵀ + bias. */
export interface OracleLinear {
  readonly weight: OracleTensor; // [out, in]
  readonly bias?: OracleTensor; // [out]
}

/** The weights of a layer, as callers of an engine give them, decoded. */
export interface OracleWeights {
  readonly query: OracleLinear; // [heads · headDim, query width]
  readonly key: OracleLinear; // [kvHeads · headDim, key width]
  readonly value: OracleLinear; // [kvHeads · valueDim, value width]
  readonly output: OracleLinear; // [outputDim, heads · valueDim]
  readonly biasKey?: OracleTensor; // [kvHeads · headDim]
  readonly biasValue?: OracleTensor; // [kvHeads · valueDim]
  readonly addZeroAttention?: boolean;
}

/** [batch, tokens, width], or [rows, width]. */
export interface OracleLayerInputs {
  readonly query: OracleTensor;
  readonly key: OracleTensor;
  readonly value: OracleTensor;
}

export interface OracleLayerOptions extends OracleOptions {
  readonly heads: number;
  readonly kvHeads?: number | undefined;
  /** Row offsets [n + 1] of a ragged batch of queries and keys. */
  readonly offsets?: readonly number[] | undefined;
  /** Default `offsets`. */
  readonly keyOffsets?: readonly number[] | undefined;
}

export interface OracleLayerResult {
  readonly output: Float64Array; // [query rows, outputDim]
  /** The attention of each sequence, as a batch of one. */
  readonly entries: readonly OracleResult[];
}

/** MultiHead(Q, K, V) = Concat(head_1 … head_h)·W^O, each projection with its bias, one sequence after the other. */
export function multiHeadOracle(
  weights: OracleWeights,
  inputs: OracleLayerInputs,
  options: OracleLayerOptions,
): OracleLayerResult {
  const { heads, kvHeads = heads } = options;
  const headDim = weights.query.weight.shape[0]! / heads;
  const valueDim = weights.value.weight.shape[0]! / kvHeads;
  const q = project(inputs.query, weights.query); // [query rows, heads · headDim]
  const k = project(inputs.key, weights.key); // [key rows, kvHeads · headDim]
  const v = project(inputs.value, weights.value); // [key rows, kvHeads · valueDim]
  const concat = new Float64Array((q.length / headDim) * valueDim); // [query rows, heads · valueDim]
  const extra = extraKeys(weights, kvHeads, headDim, valueDim);

  const queryStarts = options.offsets ?? startsOf(inputs.query.shape);
  const keyStarts = options.keyOffsets ?? options.offsets ?? startsOf(inputs.key.shape);
  const entries = queryStarts.slice(1).map((queryEnd, b): OracleResult => {
    const [queryStart, keyStart, keyEnd] = [queryStarts[b]!, keyStarts[b]!, keyStarts[b + 1]!];
    const dims = {
      batch: 1,
      heads,
      kvHeads,
      queries: queryEnd - queryStart,
      keys: keyEnd - keyStart,
      headDim,
      valueDim,
    };
    const entry: OracleInputs = {
      ...optionsOfEntry(options, b),
      dims,
      extra,
      q: splitHeads(q, heads, headDim, queryStart, queryEnd),
      k: splitHeads(k, kvHeads, headDim, keyStart, keyEnd),
      v: splitHeads(v, kvHeads, valueDim, keyStart, keyEnd),
    };
    const result = attendOracle(entry);
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < dims.queries; i++) {
        const from = (h * dims.queries + i) * valueDim;
        concat.set(result.output.subarray(from, from + valueDim), ((queryStart + i) * heads + h) * valueDim);
      }
    }
    const contributionNorm = contributionsOf(entry, result.output, weights.output.weight);
    return { ...result, headStatistics: { ...result.headStatistics, contributionNorm } };
  });
  const rows = concat.length / (heads * valueDim);
  return { output: project({ shape: [rows, heads * valueDim], data: concat }, weights.output), entries };
}

/** The options of entry b, as those of a batch of one. */
function optionsOfEntry(options: OracleOptions, b: number): OracleOptions {
  const { causalOffset, offset, keyLengths, mask, bias, rope } = options;
  const { queryPosition, keyPosition } = rope ?? {};
  return {
    ...options,
    causalOffset: causalOffset && (() => causalOffset(b)),
    offset: offset && (() => offset(b)),
    keyLengths: keyLengths && [keyLengths[b]!],
    mask: mask && ((_, h, i, j) => mask(b, h, i, j)),
    bias: bias && ((_, h, i, j) => bias(b, h, i, j)),
    rope: rope && {
      ...rope,
      ...(queryPosition && { queryPosition: (_, i) => queryPosition(b, i) }),
      ...(keyPosition && { keyPosition: (_, j) => keyPosition(b, j) }),
    },
  };
}

/** Of each head the mean norm of its share W^O_h · o of the final output, over the rows that attend a key. */
function contributionsOf(
  entry: OracleInputs,
  output: Float64Array,
  { shape, data }: OracleTensor,
): Float64Array {
  const { heads, queries, valueDim } = entry.dims;
  return Float64Array.from({ length: heads }, (_, h) => {
    let [sum, rows] = [0, 0];
    for (let i = 0; i < queries; i++) {
      if (attendedKeys(entry, 0, h, i).length === 0) continue;
      let squares = 0;
      for (let c = 0; c < shape[0]!; c++) {
        let share = 0;
        for (let d = 0; d < valueDim; d++) {
          share += data[(c * heads + h) * valueDim + d]! * output[(h * queries + i) * valueDim + d]!;
        }
        squares += share * share;
      }
      sum += Math.sqrt(squares);
      rows++;
    }
    return rows === 0 ? 0 : sum / rows;
  });
}

/** output[row, c] = bias[c] + Σ_k x[row, k] · weight[c, k], over all leading axes. */
function project(x: OracleTensor, { weight, bias }: OracleLinear): Float64Array {
  const [outputs, depth] = weight.shape as [number, number];
  const rows = x.data.length / depth;
  const result = new Float64Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < outputs; c++) {
      let sum = bias?.data[c] ?? 0;
      for (let k = 0; k < depth; k++) sum += x.data[row * depth + k]! * weight.data[c * depth + k]!;
      result[row * outputs + c] = sum;
    }
  }
  return result;
}

/** Rows start … end - 1 of [rows, heads · dims] as [heads, tokens, dims]. */
function splitHeads(x: Float64Array, heads: number, dims: number, start: number, end: number): Float64Array {
  const tokens = end - start;
  const result = new Float64Array(heads * tokens * dims);
  for (let h = 0; h < heads; h++) {
    for (let t = 0; t < tokens; t++) {
      const from = ((start + t) * heads + h) * dims;
      result.set(x.subarray(from, from + dims), (h * tokens + t) * dims);
    }
  }
  return result;
}

/** The learned key and value, if there is one, then the key and value of zeros. */
function extraKeys(
  weights: OracleWeights,
  kvHeads: number,
  headDim: number,
  valueDim: number,
): OracleInputs['extra'] {
  const { biasKey, biasValue, addZeroAttention = false } = weights;
  const count = (biasKey === undefined ? 0 : 1) + (addZeroAttention ? 1 : 0);
  if (count === 0) return undefined;
  const k = new Float64Array(kvHeads * count * headDim);
  const v = new Float64Array(kvHeads * count * valueDim);
  for (let head = 0; head < kvHeads; head++) {
    for (let d = 0; d < headDim; d++) k[head * count * headDim + d] = biasKey?.data[head * headDim + d] ?? 0;
    for (let d = 0; d < valueDim; d++)
      v[head * count * valueDim + d] = biasValue?.data[head * valueDim + d] ?? 0;
  }
  return { count, k, v };
}

/** The row offsets of a dense batch [batch, tokens, width]; rank 2 is one sequence. */
function startsOf(shape: readonly number[]): number[] {
  const [batch, tokens] = shape.length === 3 ? [shape[0]!, shape[1]!] : [1, shape[0]!];
  return Array.from({ length: batch + 1 }, (_, b) => b * tokens);
}
