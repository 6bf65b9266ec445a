// The oracle's scores: queries and keys normalised and turned, their products stage by stage, and who attends whom.
import type { Numbers, OracleInputs, OracleOptions, OracleStage } from './oracle-types.js';

/** Where query i of entry b stands on the diagonal. */
export function positionOf({ offset, causalOffset }: OracleOptions, b: number, i: number): number {
  return i + (offset ?? causalOffset ?? (() => 0))(b);
}

/** The columns that query i may attend: keys, then the extra ones. Decided without looking at any score. */
export function attendedKeys(inputs: OracleInputs, b: number, h: number, i: number): number[] {
  const { dims, keyLengths, causalOffset, window, mask, bias, extra } = inputs;
  const position = positionOf(inputs, b, i);
  const first = position - (window?.left ?? Infinity);
  const last = Math.min(
    position + (window?.right ?? Infinity),
    causalOffset === undefined ? Infinity : i + causalOffset(b),
  );
  const attended: number[] = [];
  for (let j = 0; j < (keyLengths?.[b] ?? dims.keys); j++) {
    const isInReach = j >= first && j <= last;
    const isAllowed = isInReach && (mask?.(b, h, i, j) ?? true) && bias?.(b, h, i, j) !== -Infinity;
    if (isAllowed) attended.push(j);
  }
  for (let n = 0; n < (extra?.count ?? 0); n++) attended.push(dims.keys + n);
  return attended;
}

/** The score of column j as it is after `stage`, whether query i may attend it or not. */
export function scoreAt(
  inputs: OracleInputs,
  [b, h, i, j]: readonly [number, number, number, number],
  stage: Exclude<OracleStage, 'probabilities'>,
): number {
  const { dims, q, bias, softcap, alibiSlopes } = inputs;
  const { heads, queries, keys, headDim } = dims;
  const start = ((b * heads + h) * queries + i) * headDim;
  let dot = 0;
  for (let d = 0; d < headDim; d++) dot += q[start + d]! * keyAt(inputs, b, h, j, d);
  const scaled = dot * (inputs.scale ?? 1 / Math.sqrt(headDim));
  if (stage === 'scaled') return scaled;
  const capped = softcap === undefined ? scaled : softcap * Math.tanh(scaled / softcap);
  if (stage === 'softcapped' || j >= keys) return capped;
  const distance = Math.abs(positionOf(inputs, b, i) - j);
  const alibi = alibiSlopes === undefined ? 0 : -alibiSlopes[h]! * distance;
  return capped + alibi + (bias?.(b, h, i, j) ?? 0);
}

function keyAt({ dims, k, extra }: OracleInputs, b: number, h: number, j: number, d: number): number {
  const { heads, kvHeads, keys, headDim } = dims;
  const kvHead = Math.floor(h / (heads / kvHeads));
  if (j < keys) return k[((b * kvHeads + kvHead) * keys + j) * headDim + d]!;
  return extra!.k[(kvHead * extra!.count + j - keys) * headDim + d]!;
}

/** The same inputs with their queries and keys normalised, then turned: what scores are computed from. */
export function prepareHeads(inputs: OracleInputs): OracleInputs {
  const { dims, q, k, qkNorm, rope } = inputs;
  if (qkNorm === undefined && rope === undefined) return inputs;
  const queryPosition = rope?.queryPosition ?? ((b: number, i: number) => positionOf(inputs, b, i));
  const keyPosition = rope?.keyPosition ?? ((_: number, j: number) => j);
  return {
    ...inputs,
    q: prepare(inputs, q, { heads: dims.heads, tokens: dims.queries }, qkNorm?.q, queryPosition),
    k: prepare(inputs, k, { heads: dims.kvHeads, tokens: dims.keys }, qkNorm?.k, keyPosition),
  };
}

function prepare(
  { dims: { headDim }, qkNorm, rope }: OracleInputs,
  x: Numbers, // [batch, heads, tokens, headDim]
  { heads, tokens }: { readonly heads: number; readonly tokens: number },
  weight: Numbers | undefined,
  positionAt: (b: number, token: number) => number,
): Float64Array {
  const prepared = Float64Array.from(x);
  for (let row = 0; row < prepared.length / headDim; row++) {
    const head = prepared.subarray(row * headDim, (row + 1) * headDim);
    if (weight !== undefined) normalise(head, weight, qkNorm?.epsilon ?? 1e-6);
    const b = Math.floor(row / tokens / heads);
    if (rope !== undefined) turn(head, positionAt(b, row % tokens), rope);
  }
  return prepared;
}

/** x / √(mean(x²) + epsilon) · weight */
function normalise(x: Float64Array, weight: Numbers, epsilon: number): void {
  let squares = 0;
  for (const value of x) squares += value * value;
  const norm = Math.sqrt(squares / x.length + epsilon);
  for (let d = 0; d < x.length; d++) x[d] = (x[d]! / norm) * weight[d]!;
}

function turn(
  x: Float64Array,
  position: number,
  { base, dims = x.length, interleaved = false }: NonNullable<OracleInputs['rope']>,
): void {
  for (let n = 0; n < dims / 2; n++) {
    const angle = position * base ** ((-2 * n) / dims);
    // Nothing turns: infinity times sin 0 would be NaN.
    if (angle === 0) continue;
    const [first, second] = interleaved ? [2 * n, 2 * n + 1] : [n, n + dims / 2];
    const [a, b] = [x[first]!, x[second]!];
    x[first] = a * Math.cos(angle) - b * Math.sin(angle);
    x[second] = a * Math.sin(angle) + b * Math.cos(angle);
  }
}
