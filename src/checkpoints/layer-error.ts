// The errors of a layer in a checkpoint: they name the file and the tensor as it stands there.
import { describe, HeadpoolError } from '../core/errors.js';

/** "<path>: expected <what> for `tensor`, got …" @returns INVALID_WEIGHTS */
export function invalidLayer(path: string, what: string, tensor: string, got: unknown): HeadpoolError {
  const text = typeof got === 'number' || Array.isArray(got) ? describe(got) : String(got);
  return new HeadpoolError('INVALID_WEIGHTS', `${path}: expected ${what} for \`${tensor}\`, got ${text}`);
}

const mostListed = 8;

/** The first of some names, and how many more there are. */
export function listNames(names: readonly string[]): string {
  if (names.length === 0) return 'nothing';
  const shown = names.slice(0, mostListed).map((name) => `\`${name}\``);
  const more = names.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
