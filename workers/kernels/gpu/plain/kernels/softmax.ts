// The softmax of rows of scores, and the values that it weighs.
import { exponential } from './numbers.js';
import type { Heads, Threads } from './thread.js';

/** The largest score that a row attends, or its sink. A thread: query x, head y. */
export function findMaximum(
  this: Threads,
  scores: Heads,
  attended: Heads,
  sinks: Heads,
  columns: number,
): number {
  let maximum = sinks[this.thread.y]![0]![0]!;
  for (let j = 0; j < columns; j++) {
    if (attended[this.thread.y]![this.thread.x]![j]! === 1)
      maximum = Math.max(maximum, scores[this.thread.y]![this.thread.x]![j]!);
  }
  return maximum;
}

/** What scores are taken relative to: those of -Infinity alone have no maximum that could be subtracted from them. */
export function baseOf(maximum: number): number {
  if (maximum < -3.4028234e38) return 0;
  return maximum;
}

/** The denominator; a sink is one more term of it. A thread: query x, head y. */
export function sumExponentials(
  this: Threads,
  scores: Heads,
  attended: Heads,
  sinks: Heads,
  maxima: Heads,
  columns: number,
): number {
  const base = baseOf(maxima[this.thread.y]![this.thread.x]![0]!);
  let sum = exponential(sinks[this.thread.y]![0]![0]! - base);
  for (let j = 0; j < columns; j++) {
    if (attended[this.thread.y]![this.thread.x]![j]! === 1)
      sum += exponential(scores[this.thread.y]![this.thread.x]![j]! - base);
  }
  return sum;
}

/** e^(s - m) / l, and 0 where left out. A thread: key x, query y, head z. */
export function weighKeys(this: Threads, scores: Heads, attended: Heads, maxima: Heads, sums: Heads): number {
  if (attended[this.thread.z]![this.thread.y]![this.thread.x]! === 0) return 0;
  const base = baseOf(maxima[this.thread.z]![this.thread.y]![0]!);
  return (
    exponential(scores[this.thread.z]![this.thread.y]![this.thread.x]! - base) /
    sums[this.thread.z]![this.thread.y]![0]!
  );
}

/**
 * Weighted values times the head's factor. Weights are divided before they are multiplied, so that no sum overflows where
 * the output doesn't; values of keys that are left out are not read. A thread: number x of query y of head z.
 */
export function sumValues(
  this: Threads,
  weights: Heads,
  attended: Heads,
  value: Heads,
  extraValue: Heads,
  factors: Heads,
  keys: number,
  extraKeys: number,
): number {
  if (factors[this.thread.z]![0]![0]! === 0) return 0;
  let sum = 0;
  for (let j = 0; j < keys; j++) {
    if (attended[this.thread.z]![this.thread.y]![j]! === 1)
      sum += weights[this.thread.z]![this.thread.y]![j]! * value[0]![j]![this.thread.x]!;
  }
  for (let n = 0; n < extraKeys; n++)
    sum += weights[this.thread.z]![this.thread.y]![keys + n]! * extraValue[0]![n]![this.thread.x]!;
  return sum * factors[this.thread.z]![0]![0]!;
}
