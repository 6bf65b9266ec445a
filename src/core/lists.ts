// What is done with lists that may be of any length: their entries don't fit into the arguments of a call, which lie on
// the stack, so none of these spreads them.

/** Adds all of `more` to the end of `list`. */
export function append<T>(list: T[], more: Iterable<T>): void {
  for (const entry of more) list.push(entry);
}

/** `floor` if nothing is larger, so of no values. */
export function largestOf(values: Iterable<number>, floor = -Infinity): number {
  let largest = floor;
  for (const value of values) largest = Math.max(largest, value);
  return largest;
}

/** `ceiling` if nothing is less, so of no values. */
export function leastOf(values: Iterable<number>, ceiling = Infinity): number {
  let least = ceiling;
  for (const value of values) least = Math.min(least, value);
  return least;
}
