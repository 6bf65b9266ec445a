// Finds the name that someone probably meant, and refuses one that is none.
import { HeadpoolError } from './errors.js';

/** The candidate nearest to `name`, if it is near enough to be a slip. */
function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** `; did you mean \`x\`?`, or nothing. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const candidate = nearest(name, candidates);
  return candidate === undefined ? '' : `; did you mean \`${candidate}\`?`;
}

/** Rejects names that are none of `known`; `kind` says what they name. @throws UNKNOWN_OPTION, naming the nearest. */
export function checkNames(kind: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    throw new HeadpoolError('UNKNOWN_OPTION', `Unknown ${kind} \`${name}\`${didYouMean(name, known)}`);
  }
}

/** Insertions, deletions, substitutions and swaps of neighbours from one word to another (Damerau, 1964). */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const substituted = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swapped = isSwapped ? before[j - 2]! + 1 : Infinity;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, substituted, swapped));
    }
    [before, row] = [row, next];
  }
  return row[to.length]!;
}
