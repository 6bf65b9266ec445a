// Memory of a size that a file asks for.
import { HeadpoolError } from '../../../core/errors.js';

/** @throws MEMORY_LIMIT if the memory can't be had: sparse files promise more than there is and cost nothing */
export function allocateBytes(path: string, length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new HeadpoolError('MEMORY_LIMIT', `${path}: no memory for ${length} bytes of one message`, {
      cause,
    });
  }
}
