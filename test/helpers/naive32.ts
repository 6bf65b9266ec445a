// The plain float32 program that precision is promised against: what anybody would write first, rounded after each
// operation. It is neither tuned nor shared with a kernel; the reference kernel is a program of its own.
import type {
  OracleInputs,
  OracleLayerInputs,
  OracleLayerOptions,
  OracleLinear,
  OracleResult,
  OracleWeights,
} from '../../workers/kernels/reference/oracle.js';

const { fround, exp, log, sqrt } = Math;

/** The same function as `attendOracle`, in float32; the numbers of its arrays are float32 values. */
export function attendNaive32(inputs: OracleInputs): OracleResult {
  const { dims, q, k, v, keyLengths, causalOffset, mask, bias, extra } = inputs;
  const { batch, heads, kvHeads, queries, keys, headDim, valueDim } = dims;
  const scale = fround(inputs.scale ?? 1 / sqrt(headDim));
  const extras = extra?.count ?? 0;
  const columns = keys + extras;
  const output = new Float64Array(batch * heads * queries * valueDim);
  const weights = new Float64Array(batch * heads * queries * columns);
  const logSumExp = new Float64Array(batch * heads * queries).fill(-Infinity);
  for (let row = 0; row < batch * heads * queries; row++) {
    const i = row % queries;
    const h = Math.floor(row / queries) % heads;
    const b = Math.floor(row / queries / heads);
    const kvHead = Math.floor((h * kvHeads) / heads);
    const keyRow = (j: number): [ArrayLike<number>, number] =>
      j < keys ? [k, (b * kvHeads + kvHead) * keys + j] : [extra!.k, kvHead * extras + j - keys];
    const valueRow = (j: number): [ArrayLike<number>, number] =>
      j < keys ? [v, (b * kvHeads + kvHead) * keys + j] : [extra!.v, kvHead * extras + j - keys];

    const kept: number[] = [];
    for (let j = 0; j < columns; j++) {
      const isPadding = j >= (keyLengths?.[b] ?? keys);
      const isFuture = causalOffset !== undefined && j > i + causalOffset(b);
      const isMasked = mask?.(b, h, i, j) === false || bias?.(b, h, i, j) === -Infinity;
      if (j >= keys || !(isPadding || isFuture || isMasked)) kept.push(j);
    }
    if (kept.length === 0) continue;

    const scores = kept.map((j) => {
      const [data, at] = keyRow(j);
      let dot = 0;
      for (let d = 0; d < headDim; d++)
        dot = fround(dot + fround(q[row * headDim + d]! * data[at * headDim + d]!));
      return fround(fround(dot * scale) + fround(j < keys ? (bias?.(b, h, i, j) ?? 0) : 0));
    });
    const m = Math.max(...scores);
    const p = scores.map((s) => fround(exp(fround(s - m))));
    const l = p.reduce((sum, value) => fround(sum + value), 0);
    const w = p.map((value) => fround(value / l));
    kept.forEach((j, n) => (weights[row * columns + j] = w[n]!));
    logSumExp[row] = fround(m + fround(log(l)));
    for (let d = 0; d < valueDim; d++) {
      let sum = 0;
      for (const [n, j] of kept.entries()) {
        const [data, at] = valueRow(j);
        sum = fround(sum + fround(w[n]! * data[at * valueDim + d]!));
      }
      output[row * valueDim + d] = sum;
    }
  }
  return { output, weights, logSumExp };
}

/** A whole layer in float32, without the parts that only attention has: [query rows, outputDim]. */
export function multiHeadNaive32(
  weights: OracleWeights,
  inputs: OracleLayerInputs,
  options: OracleLayerOptions,
): Float64Array {
  const { heads, kvHeads = heads, offsets, keyOffsets = offsets } = options;
  const headDim = weights.query.weight.shape[0]! / heads;
  const valueDim = weights.value.weight.shape[0]! / kvHeads;
  const [q, k, v] = [
    linear32(inputs.query.data, weights.query),
    linear32(inputs.key.data, weights.key),
    linear32(inputs.value.data, weights.value),
  ];
  const rows = q.length / (heads * headDim);
  const concat = new Float64Array(rows * heads * valueDim);
  const starts = (shape: readonly number[]): number[] =>
    shape.length === 2 ? [0, shape[0]!] : Array.from({ length: shape[0]! + 1 }, (_, b) => b * shape[1]!);
  const [from, fromKey] = [offsets ?? starts(inputs.query.shape), keyOffsets ?? starts(inputs.key.shape)];
  const count = (weights.biasKey ? 1 : 0) + (weights.addZeroAttention === true ? 1 : 0);

  for (let b = 0; b + 1 < from.length; b++) {
    const [queries, keys] = [from[b + 1]! - from[b]!, fromKey[b + 1]! - fromKey[b]!];
    // One head after the other as a batch of one: [tokens, dims] picked from [rows, heads · dims].
    for (let h = 0; h < heads; h++) {
      const kvHead = Math.floor((h * kvHeads) / heads);
      const pick = (
        x: ArrayLike<number>,
        start: number,
        length: number,
        width: number,
        head: number,
        dims: number,
      ) =>
        Array.from(
          { length: length * dims },
          (_, n) => x[(start + Math.floor(n / dims)) * width + head * dims + (n % dims)]!,
        );
      const padded = (bias: { data: ArrayLike<number> } | undefined, dims: number): number[] =>
        Array.from({ length: count * dims }, (_, n) =>
          bias && n < dims ? bias.data[kvHead * dims + n]! : 0,
        );
      const { output } = attendNaive32({
        dims: { batch: 1, heads: 1, kvHeads: 1, queries, keys, headDim, valueDim },
        q: pick(q, from[b]!, queries, heads * headDim, h, headDim),
        k: pick(k, fromKey[b]!, keys, kvHeads * headDim, kvHead, headDim),
        v: pick(v, fromKey[b]!, keys, kvHeads * valueDim, kvHead, valueDim),
        scale: options.scale,
        causalOffset: options.causalOffset && (() => options.causalOffset!(b)),
        keyLengths: options.keyLengths && [options.keyLengths[b]!],
        mask: options.mask && ((_, __, i, j) => options.mask!(b, h, i, j)),
        bias: options.bias && ((_, __, i, j) => options.bias!(b, h, i, j)),
        extra: { count, k: padded(weights.biasKey, headDim), v: padded(weights.biasValue, valueDim) },
      });
      output.forEach((value, n) => {
        concat[((from[b]! + Math.floor(n / valueDim)) * heads + h) * valueDim + (n % valueDim)] = value;
      });
    }
  }
  return linear32(concat, weights.output);
}

function linear32(x: ArrayLike<number>, { weight, bias }: OracleLinear): Float64Array {
  const [outputs, depth] = weight.shape as [number, number];
  return Float64Array.from({ length: (x.length / depth) * outputs }, (_, n) => {
    const row = Math.floor(n / outputs);
    const column = n % outputs;
    let sum = 0;
    for (let k = 0; k < depth; k++) {
      sum = fround(sum + fround(x[row * depth + k]! * weight.data[column * depth + k]!));
    }
    return fround(sum + fround(bias?.data[column] ?? 0));
  });
}
