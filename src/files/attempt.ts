// The one way that a file operation fails: FILE_FAILED, with the path, the step and the system's own error; and what
// that error was.
import { HeadpoolError, fileFailed } from '../core/errors.js';

/** Runs `step`; an error that is not ours yet becomes "<path>: could not <action>: …". @throws FILE_FAILED */
export async function attempt<T>(path: string, action: string, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof HeadpoolError) throw error;
    if (!isGarbled(path, error)) throw fileFailed(path, action, error);
    const message = `${path}: could not ${action}: its name is no UTF-8`;
    throw new HeadpoolError('FILE_FAILED', message, { cause: error });
  }
}

/** Whether a file can't be found because what its name was read as is not its name. */
function isGarbled(path: string, error: unknown): boolean {
  return path.includes('\uFFFD') && systemCodeOf(error) === 'ENOENT';
}

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

/** What `result` gives; undefined if it fails because a file isn't what it should be, after `onDamage` has heard why. */
export async function unlessDamaged<T>(
  result: Promise<T>,
  onDamage?: (error: HeadpoolError) => void,
): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (!(error instanceof HeadpoolError) || error.code !== 'INVALID_FILE') throw error;
    onDamage?.(error);
    return undefined;
  }
}
