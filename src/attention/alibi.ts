// The slopes of ALiBi that its paper gives to the heads of a layer; `alibiSlopes` of an attention takes these or any.
import { expected } from '../core/errors.js';

// Far more than a layer has, and little enough to make at once.
const mostHeads = 65_536;

/**
 * The slopes [heads] of ALiBi (Press et al., 2022): 2^(-8 (h + 1) / heads) where heads is a power of two; else those of
 * the power of two below, then every other slope of the one above, beginning with its first.
 * @throws INVALID_OPTION
 */
export function alibiSlopes(heads: number): number[] {
  if (!Number.isInteger(heads) || heads < 1 || heads > mostHeads) {
    throw expected('INVALID_OPTION', `an integer from 1 to ${mostHeads}`, 'heads', heads);
  }
  const below = 2 ** (31 - Math.clz32(heads));
  return Array.from({ length: heads }, (_, h) =>
    h < below ? 2 ** ((-8 * (h + 1)) / below) : 2 ** ((-8 * (2 * (h - below) + 1)) / (2 * below)),
  );
}
