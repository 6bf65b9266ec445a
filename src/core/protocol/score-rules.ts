// The rules of a score: what becomes of q·k on its way to the softmax, and which keys a query attends. They travel as
// one value from the options of a call to the block of a kernel; only who checks or computes a rule looks inside.
import type { Region } from '../tensor/region.js';
import { from, onData, type Strided } from './strided.js';

/** In the order in which they apply. */
export interface ScoreRules<Floats = Region, Bytes = Region> {
  /** Factor of q·k. */
  readonly scale: number;
  /** c of c · tanh(score / c); 0 = none. */
  readonly softcap: number;
  /** slope · |position of the query - j| is subtracted; a number a head. */
  readonly alibiSlopes: Strided<Floats> | null;
  /** Added; -Infinity = left out. */
  readonly bias: Strided<Floats> | null;
  /** 0 = left out. */
  readonly mask: Strided<Bytes> | null;
  /** A query at position p may attend the keys p - left <= j <= p + right; Infinity = no bound. */
  readonly left: number;
  readonly right: number;
  /** A logit that joins the softmax's denominator only; a number a head. */
  readonly sinks: Strided<Floats> | null;
  /** A factor of the output; 0 gives exact zeros; a number a head. */
  readonly headScale: Strided<Floats> | null;
}

/** Scores after the scale; after the softcap; with ALiBi, bias and what is left out. */
export type ScoreStage = 'scaled' | 'softcapped' | 'biased';

/** The same rules with every operand made another. */
function mapOperands<Floats, Bytes, ToFloats, ToBytes>(
  rules: ScoreRules<Floats, Bytes>,
  floats: (operand: Strided<Floats>) => Strided<ToFloats>,
  bytes: (operand: Strided<Bytes>) => Strided<ToBytes>,
): ScoreRules<ToFloats, ToBytes> {
  const { alibiSlopes, bias, mask, sinks, headScale } = rules;
  return {
    ...rules,
    alibiSlopes: alibiSlopes && floats(alibiSlopes),
    bias: bias && floats(bias),
    mask: mask && bytes(mask),
    sinks: sinks && floats(sinks),
    headScale: headScale && floats(headScale),
  };
}

/** The same rules on other data. */
export function openRules<Floats, Bytes, ToFloats, ToBytes>(
  rules: ScoreRules<Floats, Bytes>,
  floats: (data: Floats) => ToFloats,
  bytes: (data: Bytes) => ToBytes,
): ScoreRules<ToFloats, ToBytes> {
  return mapOperands(
    rules,
    (operand) => onData(operand, floats),
    (operand) => onData(operand, bytes),
  );
}

/** The rules from an entry, head, row or key on. */
export function rulesFrom<Floats, Bytes>(
  rules: ScoreRules<Floats, Bytes>,
  at: Parameters<typeof from>[1],
): ScoreRules<Floats, Bytes> {
  return mapOperands(
    rules,
    (operand) => from(operand, at),
    (operand) => from(operand, at),
  );
}
