// Shared memory from the system, for what lies outside the arena; where there isn't as much, an error that says so.
import { HeadpoolError } from '../errors.js';
import { readMachineLimits } from '../machine/machine-limits.js';
import { createBallast } from './ballast.js';

const ballasts = new WeakMap<SharedArrayBuffer, ArrayBuffer>();

// Looking up how much there is takes a thousandth of what the first touch of so many bytes does.
const largeBytes = 64 * 2 ** 20;

/** Zeros that the garbage collector frees. @throws MEMORY_LIMIT, before anything is allocated if that can be known */
export function allocateShared(byteLength: number): SharedArrayBuffer {
  if (byteLength >= largeBytes) refuseOver(byteLength);
  try {
    return weigh(new SharedArrayBuffer(byteLength));
  } catch (cause) {
    throw memoryRefused(byteLength, cause);
  }
}

/** Makes the garbage collector of this thread count a buffer, whoever made it. */
export function weigh(buffer: SharedArrayBuffer): SharedArrayBuffer {
  if (ballasts.has(buffer)) return buffer;
  const ballast = createBallast(buffer.byteLength);
  if (ballast !== undefined) ballasts.set(buffer, ballast);
  return buffer;
}

// The system promises more than it has, and ends the process that uses it.
function refuseOver(byteLength: number): void {
  const { memoryBytes } = readMachineLimits();
  if (byteLength <= memoryBytes) return;
  throw new HeadpoolError(
    'MEMORY_LIMIT',
    `${formatMiB(byteLength)} are needed in one piece, more than the ${formatMiB(memoryBytes)} that this process may use`,
  );
}

/** The error of an allocation that failed. */
export function memoryRefused(byteLength: number, cause: unknown): HeadpoolError {
  const message = `The system has no ${formatMiB(byteLength)} of memory left`;
  return new HeadpoolError('MEMORY_LIMIT', message, { cause });
}

export function formatMiB(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
