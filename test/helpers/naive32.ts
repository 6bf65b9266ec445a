// The plain float32 program that precision is promised against: what anybody would write first, rounded after each
// operation. It is neither tuned nor shared with a kernel; the reference kernel is a program of its own.
import type {
  OracleInputs,
  OracleLayerInputs,
  OracleLayerOptions,
  OracleLinear,
  OracleOptions,
  OracleResult,
  OracleWeights,
} from '../oracle/oracle.js';
import { prepareNaive32 } from './naive32-vectors.js';

const { fround, exp, log, sqrt, tanh } = Math;

/** What the plain program says: all that precision is promised of. */
export type NaiveResult = Pick<OracleResult, 'output' | 'weights' | 'logSumExp'>;

/** The same function as `attendOracle`, in float32; the numbers of its arrays are float32 values. */
export function attendNaive32(given: OracleInputs): NaiveResult {
  const inputs = prepareNaive32(given);
  const { dims, v, extra } = inputs;
  const { batch, heads, kvHeads, queries, keys, valueDim } = dims;
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
    const valueRow = (j: number): [ArrayLike<number>, number] =>
      j < keys ? [v, (b * kvHeads + kvHead) * keys + j] : [extra!.v, kvHead * extras + j - keys];

    const kept: number[] = [];
    for (let j = 0; j < columns; j++) if (j >= keys || isAttended(inputs, b, h, i, j)) kept.push(j);
    const sink = fround(inputs.sinks?.[h] ?? -Infinity);
    if (kept.length === 0) {
      logSumExp[row] = sink;
      continue;
    }

    const scores = kept.map((j) => scoreOf(inputs, b, h, i, j));
    const most = Math.max(sink, ...scores);
    const m = most === -Infinity ? 0 : most;
    const p = scores.map((s) => fround(exp(fround(s - m))));
    const l = p.reduce((sum, value) => fround(sum + value), fround(exp(fround(sink - m))));
    const w = p.map((value) => fround(value / l));
    kept.forEach((j, n) => (weights[row * columns + j] = w[n]!));
    logSumExp[row] = fround(m + fround(log(l)));
    const headScale = fround(inputs.headScale?.[h] ?? 1);
    for (let d = 0; d < valueDim && headScale !== 0; d++) {
      let sum = 0;
      for (const [n, j] of kept.entries()) {
        const [data, at] = valueRow(j);
        sum = fround(sum + fround(w[n]! * data[at * valueDim + d]!));
      }
      output[row * valueDim + d] = fround(headScale * sum);
    }
  }
  return { output, weights, logSumExp };
}

function isAttended(inputs: OracleInputs, b: number, h: number, i: number, j: number): boolean {
  const { dims, keyLengths, causalOffset, window, mask, bias } = inputs;
  const isPadding = j >= (keyLengths?.[b] ?? dims.keys);
  const isFuture = causalOffset !== undefined && j > i + causalOffset(b);
  const ahead = j - naivePosition(inputs, b, i);
  const isOutside = ahead > (window?.right ?? Infinity) || -ahead > (window?.left ?? Infinity);
  const isMasked = mask?.(b, h, i, j) === false || bias?.(b, h, i, j) === -Infinity;
  return !(isPadding || isFuture || isOutside || isMasked);
}

function naivePosition({ offset, causalOffset }: OracleInputs, b: number, i: number): number {
  return i + (offset?.(b) ?? causalOffset?.(b) ?? 0);
}

function scoreOf(inputs: OracleInputs, b: number, h: number, i: number, j: number): number {
  const { dims, q, k, extra, softcap, alibiSlopes, bias } = inputs;
  const { heads, kvHeads, queries, keys, headDim } = dims;
  const kvHead = Math.floor((h * kvHeads) / heads);
  const [data, at] =
    j < keys ? [k, (b * kvHeads + kvHead) * keys + j] : [extra!.k, kvHead * extra!.count + j - keys];
  const row = (b * heads + h) * queries + i;
  let dot = 0;
  for (let d = 0; d < headDim; d++)
    dot = fround(dot + fround(q[row * headDim + d]! * data[at * headDim + d]!));
  let score = fround(dot * fround(inputs.scale ?? 1 / sqrt(headDim)));
  if (softcap !== undefined) {
    const cap = fround(softcap);
    score = fround(cap * fround(tanh(fround(score / cap))));
  }
  if (j >= keys) return score;
  if (alibiSlopes !== undefined) {
    const distance = Math.abs(naivePosition(inputs, b, i) - j);
    score = fround(score - fround(fround(alibiSlopes[h]!) * distance));
  }
  return fround(score + fround(bias?.(b, h, i, j) ?? 0));
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
        ...optionsOfHead(options, b, h),
        dims: { batch: 1, heads: 1, kvHeads: 1, queries, keys, headDim, valueDim },
        q: pick(q, from[b]!, queries, heads * headDim, h, headDim),
        k: pick(k, fromKey[b]!, keys, kvHeads * headDim, kvHead, headDim),
        v: pick(v, fromKey[b]!, keys, kvHeads * valueDim, kvHead, valueDim),
        extra: { count, k: padded(weights.biasKey, headDim), v: padded(weights.biasValue, valueDim) },
      });
      output.forEach((value, n) => {
        concat[((from[b]! + Math.floor(n / valueDim)) * heads + h) * valueDim + (n % valueDim)] = value;
      });
    }
  }
  return linear32(concat, weights.output);
}

/** The options of head h of entry b, as those of a batch of one with one head. */
function optionsOfHead(options: OracleLayerOptions, b: number, h: number): OracleOptions {
  const { scale, softcap, window, qkNorm, causalOffset, offset, keyLengths, mask, bias, rope } = options;
  const own = (numbers: ArrayLike<number> | undefined): number[] | undefined => numbers && [numbers[h]!];
  return {
    scale,
    softcap,
    window,
    qkNorm,
    alibiSlopes: own(options.alibiSlopes),
    sinks: own(options.sinks),
    headScale: own(options.headScale),
    causalOffset: causalOffset && (() => causalOffset(b)),
    offset: offset && (() => offset(b)),
    keyLengths: keyLengths && [keyLengths[b]!],
    mask: mask && ((_, __, i, j) => mask(b, h, i, j)),
    bias: bias && ((_, __, i, j) => bias(b, h, i, j)),
    rope: rope && {
      ...rope,
      ...(rope.queryPosition && { queryPosition: (_, i) => rope.queryPosition!(b, i) }),
      ...(rope.keyPosition && { keyPosition: (_, j) => rope.keyPosition!(b, j) }),
    },
  };
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
