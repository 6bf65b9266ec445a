// Work that is cut into steps, between which others may have their turns, and loops over long lists that are.

/** Steps of less than a millisecond; a Breather runs them. */
export type Steps<T> = Generator<undefined, T>;

/** Elements of a list that take some hundred microseconds, where each takes a look or a sum. */
export const elementsOfStep = 2 ** 14;

/** What the steps come to, for callers that are in nobody's way. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** As `list.findIndex(isWanted)`. */
export function* findIndex(list: ArrayLike<number>, isWanted: (element: number) => boolean): Steps<number> {
  for (let index = 0; index < list.length; index++) {
    if (isWanted(list[index]!)) return index;
    if (index % elementsOfStep === 0) yield;
  }
  return -1;
}

/** As many as `count` times the same number. */
export function* repeat(number: number, count: number): Steps<number[]> {
  const list: number[] = [];
  while (list.length < count) {
    list.push(number);
    if (list.length % elementsOfStep === 0) yield;
  }
  return list;
}

/** Sorted by itself, as comparing takes longer than a look. */
const sortedAtOnce = 2 ** 11;

/** As `list.toSorted(compare)`: runs that are sorted are merged, two by two. */
export function* sort<T>(list: readonly T[], compare: (a: T, b: T) => number): Steps<readonly T[]> {
  let sorted: T[] = [];
  for (let begin = 0; begin < list.length; begin += sortedAtOnce) {
    for (const element of list.slice(begin, begin + sortedAtOnce).sort(compare)) sorted.push(element);
    yield;
  }
  for (let run = sortedAtOnce; run < list.length; run *= 2) {
    const merged: T[] = [];
    for (let begin = 0; begin < list.length; begin += 2 * run) {
      const middle = Math.min(begin + run, list.length);
      const end = Math.min(middle + run, list.length);
      let [left, right] = [begin, middle];
      while (merged.length < end) {
        const isLeft = right === end || (left < middle && compare(sorted[left]!, sorted[right]!) <= 0);
        merged.push(sorted[isLeft ? left++ : right++]!);
        if (merged.length % sortedAtOnce === 0) yield;
      }
    }
    sorted = merged;
  }
  return sorted;
}
