// NaN and infinities among the numbers of inputs: one of them makes a whole row of a result NaN, so they are counted,
// or refused if that was asked for.

/** What to do about NaN and infinities: count them, or take the sequence for damaged. */
export const nonFiniteChoices = ['keep', 'error'] as const;
export type NonFiniteChoice = (typeof nonFiniteChoices)[number];

export interface NonFiniteCounts {
  readonly numbers: number;
  /** In which there are some. */
  readonly sequences: number;
}

/** The bits of a float32 that are all set in infinities and NaN, and in nothing else. */
const exponentBits = 0x7f800000;

export function countNonFinite(rows: Float32Array): number {
  const words = new Int32Array(rows.buffer, rows.byteOffset, rows.length);
  let count = 0;
  for (let n = 0; n < words.length; n++) if ((words[n]! & exponentBits) === exponentBits) count++;
  return count;
}

/** Where the first one is, for messages: `NaN` (number) at token 2, number 5. */
export function describeNonFinite(rows: Float32Array, width: number): string {
  const at = rows.findIndex((number) => !Number.isFinite(number));
  return `${rows[at]!} at token ${Math.floor(at / width)}, number ${at % width}`;
}
