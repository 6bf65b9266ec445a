// How far off numbers are: one figure for a row or a whole tensor.

/** The largest difference from `wanted`, as a share of the largest number in it; Infinity if one is longer or holds NaN. */
export function relativeError(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let [difference, largest] = [0, 0];
  for (let n = 0; n < wanted.length; n++) {
    difference = Math.max(difference, Math.abs(found[n]! - wanted[n]!));
    largest = Math.max(largest, Math.abs(wanted[n]!));
  }
  return found.length === wanted.length && !Number.isNaN(difference) ? difference / largest : Infinity;
}
