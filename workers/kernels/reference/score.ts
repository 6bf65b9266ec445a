// Which keys a row may attend, and what the options make of a score.
import type { ScoreStage } from '../../../src/core/protocol/attention-work.js';
import type { AttentionBlock, Strided } from '../kernel.js';

const { fround, abs, tanh } = Math;

/** Whether query i of member g may attend key j; extra keys may all. */
export function mayAttend(block: AttentionBlock, i: number, g: number, j: number): boolean {
  const { keys, firstOffset, lastOffset, mask, bias } = block;
  if (j >= keys) return true;
  if (j < i + firstOffset || j > i + lastOffset) return false;
  if (mask !== null && elementAt(mask, i, g, j) === 0) return false;
  return bias === null || elementAt(bias, i, g, j) !== -Infinity;
}

/** The scaled score s as it is after `stage`: softcapped, then less its ALiBi term, then with its bias. */
export function adjustScore(
  { keys, softcap, alibiSlopes, bias, position }: AttentionBlock,
  s: number,
  i: number,
  g: number,
  j: number,
  stage: ScoreStage = 'biased',
): number {
  if (stage === 'scaled') return s;
  const c = fround(softcap);
  const capped = c === 0 ? s : fround(c * fround(tanh(fround(s / c))));
  if (stage === 'softcapped' || j >= keys) return capped;
  const slope = alibiSlopes === null ? 0 : alibiSlopes.data[alibiSlopes.offset + g]!;
  const sloped = slope === 0 ? capped : fround(capped - fround(slope * abs(position + i - j)));
  return bias === null ? sloped : fround(sloped + elementAt(bias, i, g, j));
}

function elementAt(
  { from, headStride, queryStride, keyStride }: Strided<Float32Array> | Strided<Uint8Array>,
  i: number,
  g: number,
  j: number,
): number {
  return from.data[from.offset + g * headStride + i * queryStride + j * keyStride]!;
}
