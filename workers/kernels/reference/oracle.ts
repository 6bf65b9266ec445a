// The float64 oracle: attention and a whole layer as plain loops over materialised scores, in the order in which the
// formula reads. It shares no code with any kernel; precision is measured against it, speed never.

/** Numbers in row-major order; whoever measures a kernel passes the decoded float32 values that the kernel reads. */
type Numbers = ArrayLike<number>;

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

/** What decides, besides the operands, who attends whom; absent means everybody, with a scale of 1/√headDim. */
export interface OracleOptions {
  readonly scale?: number | undefined;
  /** Query i of entry b attends keys j <= i + causalOffset(b). */
  readonly causalOffset?: ((entry: number) => number) | undefined;
  readonly keyLengths?: readonly number[] | undefined;
  /** true = attend. */
  readonly mask?: ((b: number, h: number, i: number, j: number) => boolean) | undefined;
  /** Added to the scaled score; -Infinity = left out. */
  readonly bias?: ((b: number, h: number, i: number, j: number) => number) | undefined;
}

export interface OracleInputs extends OracleOptions {
  readonly dims: OracleDims;
  readonly q: Numbers;
  readonly k: Numbers;
  readonly v: Numbers;
  /** Keys [kvHeads, count, headDim] and values [kvHeads, count, valueDim] that every query attends, in every entry. */
  readonly extra?: { readonly count: number; readonly k: Numbers; readonly v: Numbers } | undefined;
}

export interface OracleResult {
  readonly output: Float64Array; // [batch, heads, queries, valueDim]
  readonly weights: Float64Array; // [batch, heads, queries, keys + extra.count], 0 where left out
  readonly logSumExp: Float64Array; // [batch, heads, queries], -Infinity for a query that may attend no key
}

/** softmax(q·kᵀ·scale + bias)·v; a query that may attend no key gives zeros, and keys left out are never read. */
export function attendOracle(inputs: OracleInputs): OracleResult {
  const { batch, heads, queries, keys, valueDim } = inputs.dims;
  const columns = keys + (inputs.extra?.count ?? 0);
  const output = new Float64Array(batch * heads * queries * valueDim);
  const weights = new Float64Array(batch * heads * queries * columns);
  const logSumExp = new Float64Array(batch * heads * queries);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queries; i++) {
        const row = (b * heads + h) * queries + i;
        const p = weights.subarray(row * columns, (row + 1) * columns);
        logSumExp[row] = softmaxRow(inputs, b, h, i, p);
        sumValues(inputs, b, h, p, attendedKeys(inputs, b, h, i), output.subarray(row * valueDim));
      }
    }
  }
  return { output, weights, logSumExp };
}

/** The columns that query i may attend: keys, then the extra ones. Decided without looking at any score. */
function attendedKeys(inputs: OracleInputs, b: number, h: number, i: number): number[] {
  const { dims, keyLengths, causalOffset, mask, bias, extra } = inputs;
  const last = causalOffset === undefined ? Infinity : i + causalOffset(b);
  const attended: number[] = [];
  for (let j = 0; j < (keyLengths?.[b] ?? dims.keys); j++) {
    const isAllowed = j <= last && (mask?.(b, h, i, j) ?? true) && bias?.(b, h, i, j) !== -Infinity;
    if (isAllowed) attended.push(j);
  }
  for (let n = 0; n < (extra?.count ?? 0); n++) attended.push(dims.keys + n);
  return attended;
}

/** Writes the probabilities of one row into `p` and returns its log-sum-exp. */
function softmaxRow(inputs: OracleInputs, b: number, h: number, i: number, p: Float64Array): number {
  const { dims, q, bias } = inputs;
  const { heads, queries, keys, headDim } = dims;
  const scale = inputs.scale ?? 1 / Math.sqrt(headDim);
  const start = ((b * heads + h) * queries + i) * headDim;
  const attended = attendedKeys(inputs, b, h, i);
  if (attended.length === 0) return -Infinity;

  let m = -Infinity;
  for (const j of attended) {
    let dot = 0;
    for (let d = 0; d < headDim; d++) dot += q[start + d]! * keyAt(inputs, b, h, j, d);
    p[j] = dot * scale + (j < keys ? (bias?.(b, h, i, j) ?? 0) : 0);
    m = Math.max(m, p[j]);
  }
  let l = 0;
  for (const j of attended) {
    p[j] = Math.exp(p[j]! - m);
    l += p[j];
  }
  for (const j of attended) p[j] = p[j]! / l;
  return m + Math.log(l);
}

function sumValues(
  inputs: OracleInputs,
  b: number,
  h: number,
  p: Float64Array,
  attended: number[],
  o: Float64Array,
): void {
  for (let d = 0; d < inputs.dims.valueDim; d++) {
    let sum = 0;
    for (const j of attended) sum += p[j]! * valueAt(inputs, b, h, j, d);
    o[d] = sum;
  }
}

function keyAt({ dims, k, extra }: OracleInputs, b: number, h: number, j: number, d: number): number {
  const { heads, kvHeads, keys, headDim } = dims;
  const kvHead = Math.floor(h / (heads / kvHeads));
  if (j < keys) return k[((b * kvHeads + kvHead) * keys + j) * headDim + d]!;
  return extra!.k[(kvHead * extra!.count + j - keys) * headDim + d]!;
}

function valueAt({ dims, v, extra }: OracleInputs, b: number, h: number, j: number, d: number): number {
  const { heads, kvHeads, keys, valueDim } = dims;
  const kvHead = Math.floor(h / (heads / kvHeads));
  if (j < keys) return v[((b * kvHeads + kvHead) * keys + j) * valueDim + d]!;
  return extra!.v[(kvHead * extra!.count + j - keys) * valueDim + d]!;
}

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
    const result = attendOracle({
      ...{ dims, extra, scale: options.scale },
      q: splitHeads(q, heads, headDim, queryStart, queryEnd),
      k: splitHeads(k, kvHeads, headDim, keyStart, keyEnd),
      v: splitHeads(v, kvHeads, valueDim, keyStart, keyEnd),
      causalOffset: options.causalOffset && (() => options.causalOffset!(b)),
      keyLengths: options.keyLengths && [options.keyLengths[b]!],
      mask: options.mask && ((_, h, i, j) => options.mask!(b, h, i, j)),
      bias: options.bias && ((_, h, i, j) => options.bias!(b, h, i, j)),
    });
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < dims.queries; i++) {
        const from = (h * dims.queries + i) * valueDim;
        concat.set(result.output.subarray(from, from + valueDim), ((queryStart + i) * heads + h) * valueDim);
      }
    }
    return result;
  });
  const rows = concat.length / (heads * valueDim);
  return { output: project({ shape: [rows, heads * valueDim], data: concat }, weights.output), entries };
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
