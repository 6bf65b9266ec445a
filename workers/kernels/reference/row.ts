// One query row of a block: which keys it may attend, what the rules make of a score, and single numbers of operands.
import { decodeBF16, decodeF16 } from '../../../src/core/tensor/dtype.js';
import type { ScoreStage } from '../../../src/core/protocol/score-rules.js';
import type { AttentionBlock, Operand, StoredNumbers } from '../kernel.js';

const { fround, abs, tanh } = Math;

/** One query row of a block: query i of member g of the group. */
export interface Row {
  readonly i: number;
  readonly g: number;
  /** Scores of the keys in order, extra keys last, then their probabilities; nothing where left out. */
  readonly scores: Float32Array;
  /** Which keys the row may attend; decided by masks and positions alone, never by scores. */
  readonly isAttended: Uint8Array;
}

/** Whether query i of member g may attend key j; extra keys may all. */
export function mayAttend(block: AttentionBlock, i: number, g: number, j: number): boolean {
  const { keys, position, rules } = block;
  const { left, right, mask, bias } = rules;
  if (j >= keys) return true;
  if (j < i + position - left || j > i + position + right) return false;
  if (mask !== null && elementAt(mask, i, g, j) === 0) return false;
  return bias === null || elementAt(bias, i, g, j) !== -Infinity;
}

/** The scaled score s as it is after `stage`: softcapped, then less its ALiBi term, then with its bias. */
export function adjustScore(
  { keys, position, rules }: AttentionBlock,
  s: number,
  i: number,
  g: number,
  j: number,
  stage: ScoreStage = 'biased',
): number {
  if (stage === 'scaled') return s;
  const { softcap, alibiSlopes, bias } = rules;
  const c = fround(softcap);
  const capped = c === 0 ? s : fround(c * fround(tanh(fround(s / c))));
  if (stage === 'softcapped' || j >= keys) return capped;
  const slope = alibiSlopes === null ? 0 : ofHead(alibiSlopes, g);
  const sloped = slope === 0 ? capped : fround(capped - fround(slope * abs(position + i - j)));
  return bias === null ? sloped : fround(sloped + elementAt(bias, i, g, j));
}

function elementAt(operand: Operand<Float32Array | Uint8Array>, i: number, g: number, j: number): number {
  const { data, offset, headStride, rowStride, columnStride } = operand;
  return data[offset + g * headStride + i * rowStride + j * columnStride]!;
}

/** The number of member g of a list of a number a head. */
export function ofHead({ data, offset, headStride }: Operand, g: number): number {
  return data[offset + g * headStride]!;
}

/** Number d of key j; extra keys come behind the others. */
export function readKey(block: AttentionBlock, j: number, d: number): number {
  const { key, keys, extra } = block;
  return j < keys ? readStored(block, key, j, d) : readRow(extra!.key, j - keys, d);
}

/** Number d of value j. */
export function readValue(block: AttentionBlock, j: number, d: number): number {
  const { value, keys, extra } = block;
  return j < keys ? readStored(block, value, j, d) : readRow(extra!.value, j - keys, d);
}

function readStored(
  { pages, storage }: AttentionBlock,
  operand: Operand<StoredNumbers>,
  j: number,
  d: number,
): number {
  if (pages === null) return readRow(operand, j, d);
  const { table, pageKeys, stride } = pages;
  const page = table.data[table.offset + Math.floor(j / pageKeys)]! * stride;
  const number = operand.data[operand.offset + page + (j % pageKeys) * operand.rowStride + d]!;
  if (storage === 'f32') return number;
  return storage === 'f16' ? decodeF16(number) : decodeBF16(number);
}

function readRow({ data, offset, rowStride }: Operand<StoredNumbers>, row: number, d: number): number {
  return data[offset + row * rowStride + d]!;
}
