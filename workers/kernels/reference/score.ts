// Which keys a row may attend, and what the options make of a score.
import type { ScoreStage } from '../../../src/core/protocol/score-rules.js';
import type { AttentionBlock, Operand } from '../kernel.js';

const { fround, abs, tanh } = Math;

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
