// The names that an object of options may have.
import { HeadpoolError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';

/** Rejects names that are none of `known`; `kind` says what they name. @throws UNKNOWN_OPTION, naming the nearest. */
export function checkNames(kind: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    throw new HeadpoolError('UNKNOWN_OPTION', `Unknown ${kind} \`${name}\`${didYouMean(name, known)}`);
  }
}
