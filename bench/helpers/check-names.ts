// Lists of names on the command line of a benchmark: refused where one of them is of nothing.
import { refuse } from './arguments.js';

/** Ends the process where a name isn't known. */
export function checkNames(option: string, given: readonly string[], known: readonly string[]): void {
  const names = new Set(known);
  for (const name of given) {
    if (!names.has(name)) refuse(`Expected some of ${[...names].join(', ')} for ${option}, got ${name}`);
  }
}
