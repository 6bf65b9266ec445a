// Memory for what a file says it holds. A header may promise more than there is: sparse files cost their makers nothing.
import { HeadpoolError } from '../core/errors.js';

/** What `make` gives. @throws MEMORY_LIMIT naming the file, where there isn't as much */
export function allocateFor<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    const isRefused = cause instanceof HeadpoolError && cause.code === 'MEMORY_LIMIT';
    if (!isRefused && !(cause instanceof RangeError)) throw cause;
    throw new HeadpoolError('MEMORY_LIMIT', `${path}: no memory for its numbers: ${cause.message}`, {
      cause,
    });
  }
}
