// Attention in plain float32, one query row at a time: all scores, their maximum, exponentials, the weighted sum.
import { partialFloats } from '../../protocol.js';
import type { AttentionBlock, Slice } from '../kernel.js';

const { fround, exp, log, max } = Math;

/** One key of a row: where its key and value rows start, and its score. */
interface RowScores {
  /** Scores of the keys in order, extra keys last; -Infinity where left out. */
  readonly scores: Float32Array;
  /** Which keys the row may attend; decided by masks and positions alone, never by scores. */
  readonly isAttended: Uint8Array;
}

export function attend(block: AttentionBlock): void {
  const columns = block.keys + (block.extra?.count ?? 0);
  const row: RowScores = { scores: new Float32Array(columns), isAttended: new Uint8Array(columns) };
  for (let i = 0; i < block.queries; i++) {
    for (let g = 0; g < block.group; g++) attendRow(block, i, g, row);
  }
}

function attendRow(block: AttentionBlock, i: number, g: number, row: RowScores): void {
  scoreKeys(block, i, g, row);
  const { scores, isAttended } = row;

  // pass 2: m = max_j s_j, p_j = exp(s_j - m), l = Σ p_j
  let m = -Infinity;
  let isEmpty = true;
  for (let j = 0; j < scores.length; j++) {
    if (isAttended[j] === 0) continue;
    m = max(m, scores[j]!);
    isEmpty = false;
  }
  // A range of keys with scores of -Infinity alone adds nothing; whether other ranges add something shows in `merge`.
  const base = block.partial !== null && m === -Infinity ? 0 : m;
  let l = 0;
  for (let j = 0; j < scores.length; j++) {
    const p = isAttended[j] === 0 ? 0 : fround(exp(fround(scores[j]! - base)));
    scores[j] = p;
    l = fround(l + p);
  }
  const share = isEmpty ? 0 : fround(1 / l);

  // pass 3: o = Σ_j p_j v_j / l
  const target = targetOf(block, i, g);
  for (let d = 0; d < block.valueDim; d++) {
    let sum = 0;
    for (let j = 0; j < scores.length; j++) {
      if (isAttended[j] !== 0) sum = fround(sum + fround(scores[j]! * valueAt(block, j, d)));
    }
    target.data[target.offset + d] = block.partial === null ? fround(sum * share) : sum;
  }
  if (block.partial !== null) {
    target.data.set([m, l, isEmpty ? 0 : 1], target.offset + block.valueDim);
    return;
  }

  if (block.logSumExp !== null) {
    const { to, headStride } = block.logSumExp;
    to.data[to.offset + g * headStride + i] = isEmpty ? -Infinity : m + log(l);
  }
  if (block.weights !== null) {
    const { to, headStride, queryStride, extraColumn, share: part, isAdded } = block.weights;
    const start = to.offset + g * headStride + i * queryStride;
    for (let j = 0; j < scores.length; j++) {
      const weight = fround(fround(scores[j]! * share) * part);
      const at = start + (j < block.keys ? j : extraColumn + j - block.keys);
      to.data[at] = isAdded ? to.data[at]! + weight : weight;
    }
  }
}

/** Where the output of a row goes, or what it gathers over a range of the keys. */
function targetOf(block: AttentionBlock, i: number, g: number): Slice {
  const { output, outputStride, outputHeadStride, partial, group, valueDim } = block;
  if (partial === null)
    return { data: output.data, offset: output.offset + i * outputStride + g * outputHeadStride };
  return { data: partial.data, offset: partial.offset + (i * group + g) * partialFloats(valueDim) };
}

// pass 1: s_j = scale · q·k_j + bias_j for the keys that the row may attend
function scoreKeys(block: AttentionBlock, i: number, g: number, { scores, isAttended }: RowScores): void {
  const { query, headDim } = block;
  const scale = fround(block.scale);
  const q = query.offset + i * block.queryStride + g * block.queryHeadStride;
  for (let j = 0; j < scores.length; j++) {
    const bias = j < block.keys ? biasAt(block, g, i, j) : 0;
    isAttended[j] = j >= block.keys || (mayAttend(block, g, i, j) && bias !== -Infinity) ? 1 : 0;
    if (isAttended[j] === 0) continue;
    let dot = 0;
    for (let d = 0; d < headDim; d++) dot = fround(dot + fround(query.data[q + d]! * keyAt(block, j, d)));
    scores[j] = fround(fround(dot * scale) + bias);
  }
}

function mayAttend(
  { mask, firstOffset, lastOffset }: AttentionBlock,
  g: number,
  i: number,
  j: number,
): boolean {
  if (j < i + firstOffset || j > i + lastOffset) return false;
  if (mask === null) return true;
  return (
    mask.from.data[mask.from.offset + g * mask.headStride + i * mask.queryStride + j * mask.keyStride] !== 0
  );
}

function biasAt({ bias }: AttentionBlock, g: number, i: number, j: number): number {
  if (bias === null) return 0;
  return bias.from.data[bias.from.offset + g * bias.headStride + i * bias.queryStride + j * bias.keyStride]!;
}

function keyAt({ key, keyStride, keys, headDim, extra }: AttentionBlock, j: number, d: number): number {
  if (j < keys) return key.data[key.offset + j * keyStride + d]!;
  return extra!.key.data[extra!.key.offset + (j - keys) * headDim + d]!;
}

function valueAt(
  { value, valueStride, keys, valueDim, extra }: AttentionBlock,
  j: number,
  d: number,
): number {
  if (j < keys) return value.data[value.offset + j * valueStride + d]!;
  return extra!.value.data[extra!.value.offset + (j - keys) * valueDim + d]!;
}
