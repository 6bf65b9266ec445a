// Attention in plain float32, one query row at a time: all scores, their maximum, exponentials, the weighted sum.
import { meansOfPartial, type KeyColumns } from '../../../src/core/protocol/attention-work.js';
import type { AttentionBlock, Floats } from '../kernel.js';
import { writeStatistics } from './statistics.js';
import { adjustScore, mayAttend, ofHead, readKey, readValue, type Row } from './row.js';

const { fround, exp, log, max } = Math;

export function attend(block: AttentionBlock): void {
  const columns = block.keys + (block.extra?.count ?? 0);
  const [scores, isAttended] = [new Float32Array(columns), new Uint8Array(columns)];
  for (let i = 0; i < block.queries; i++) {
    for (let g = 0; g < block.group; g++) attendRow(block, { i, g, scores, isAttended });
  }
}

function attendRow(block: AttentionBlock, row: Row): void {
  const { i, g, scores, isAttended } = row;

  // pass 1: s_j, as the options make it
  scoreKeys(block, row);

  // pass 2: m = max_j s_j, p_j = exp(s_j - m), l = Σ p_j; a sink is one more term of both
  const { sinks, headScale } = block.rules;
  const sink = sinks === null ? -Infinity : ofHead(sinks, g);
  let m = sink;
  for (let j = 0; j < scores.length; j++) if (isAttended[j] !== 0) m = max(m, scores[j]!);
  // Scores of -Infinity alone have no maximum to be taken relative to.
  const base = m === -Infinity ? 0 : m;
  let l = sinks === null ? 0 : fround(exp(fround(sink - base)));
  for (let j = 0; j < scores.length; j++) {
    const p = isAttended[j] === 0 ? 0 : fround(exp(fround(scores[j]! - base)));
    scores[j] = p;
    l = fround(l + p);
  }
  const isEmpty = !isAttended.includes(1);
  const share = isEmpty ? 0 : fround(1 / l);

  // pass 3: o = Σ_j p_j v_j / l, times the head's factor
  const target = targetOf(block, row);
  const factor = headScale === null ? 1 : ofHead(headScale, g);
  for (let d = 0; d < block.valueDim; d++) {
    const sum = sumValues(block, row, d);
    const isZero = isEmpty || factor === 0;
    const whole = isZero ? 0 : fround(fround(sum * share) * factor);
    target.data[target.offset + d] = block.partial === null ? whole : sum;
  }

  // pass 4: p_j / l, and o = Σ_j (p_j / l) v_j where the sum of pass 3 overflowed
  for (let j = 0; j < scores.length; j++) scores[j] = fround(scores[j]! * share);
  for (let d = 0; d < block.valueDim; d++) {
    if (Number.isFinite(target.data[target.offset + d])) continue;
    const mean = sumValues(block, row, d);
    if (block.partial === null) target.data[target.offset + d] = fround(mean * factor);
    else target.data[target.offset + meansOfPartial(block.valueDim) + d] = mean;
  }
  if (block.partial !== null) {
    target.data.set([m, l, isEmpty ? 0 : 1], target.offset + block.valueDim);
    return;
  }

  if (block.logSumExp !== null) {
    const { data, offset, headStride, rowStride } = block.logSumExp;
    data[offset + g * headStride + i * rowStride] = l === 0 ? -Infinity : m + log(l);
  }
  if (block.weights !== null) writeWeights(block, row);
  if (block.statistics !== null) writeStatistics(block, row);
  if (block.scores !== null) writeScores(block, row);
}

/** The sum over the attended keys of `scores` times number d of their values. */
function sumValues(block: AttentionBlock, { scores, isAttended }: Row, d: number): number {
  let sum = 0;
  for (let j = 0; j < scores.length; j++) {
    if (isAttended[j] !== 0) sum = fround(sum + fround(scores[j]! * readValue(block, j, d)));
  }
  return sum;
}

/** Where the output of a row goes, or what it gathers over a range of the keys. */
function targetOf({ output, partial }: AttentionBlock, { i, g }: Row): Floats {
  const { data, offset, headStride, rowStride } = partial ?? output;
  return { data, offset: offset + g * headStride + i * rowStride };
}

function scoreKeys(block: AttentionBlock, { i, g, scores, isAttended }: Row): void {
  for (let j = 0; j < scores.length; j++) {
    isAttended[j] = mayAttend(block, i, g, j) ? 1 : 0;
    if (isAttended[j] !== 0) scores[j] = adjustScore(block, scaledScore(block, i, g, j), i, g, j);
  }
}

/** scale · q·k_j */
function scaledScore(block: AttentionBlock, i: number, g: number, j: number): number {
  const { query, headDim } = block;
  const q = query.offset + i * query.rowStride + g * query.headStride;
  let dot = 0;
  for (let d = 0; d < headDim; d++) dot = fround(dot + fround(query.data[q + d]! * readKey(block, j, d)));
  return fround(dot * fround(block.rules.scale));
}

function writeWeights(block: AttentionBlock, { i, g, scores }: Row): void {
  const weights = block.weights!;
  const columnOf = columnsOf(block, weights, i, g);
  for (let j = 0; j < scores.length; j++) {
    const weight = fround(scores[j]! * weights.share);
    const at = columnOf(j);
    weights.data[at] = weights.isAdded ? weights.data[at]! + weight : weight;
  }
}

function writeScores(block: AttentionBlock, { i, g, scores, isAttended }: Row): void {
  const { data, stage } = block.scores!;
  const columnOf = columnsOf(block, block.scores!, i, g);
  for (let j = 0; j < scores.length; j++) {
    const isLeftOut = stage === 'biased' && isAttended[j] === 0;
    const score = isLeftOut ? -Infinity : adjustScore(block, scaledScore(block, i, g, j), i, g, j, stage);
    data[columnOf(j)] = score;
  }
}

/** Where the number of a row and key goes; extra keys follow the others from a column of their own on. */
function columnsOf(
  { keys }: AttentionBlock,
  { offset, headStride, rowStride, extraColumn }: KeyColumns<Float32Array>,
  i: number,
  g: number,
): (j: number) => number {
  const start = offset + g * headStride + i * rowStride;
  return (j) => start + (j < keys ? j : extraColumn + j - keys);
}
