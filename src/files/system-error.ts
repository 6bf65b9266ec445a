// What the operating system, or a library of Node's, calls an error that it raised.
import { HeadpoolError } from '../core/errors.js';

/** Such as 'ENOENT', of an error itself or of the one that ours keeps as its cause; undefined if it has none. */
export function systemCodeOf(error: unknown): unknown {
  const raised: unknown = error instanceof HeadpoolError ? error.cause : error;
  return raised instanceof Error && 'code' in raised ? raised.code : undefined;
}

/** What `result` gives; undefined if it fails because there is nothing of that name. */
export async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
