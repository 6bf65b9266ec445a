// The one way that a file operation fails: FILE_FAILED, with the path, the step and the system's own error.
import { HeadpoolError, fileFailed } from '../core/errors.js';

/** Runs `step`; an error that is not ours yet becomes "<path>: could not <action>: …". @throws FILE_FAILED */
export async function attempt<T>(path: string, action: string, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof HeadpoolError) throw error;
    throw fileFailed(path, action, error);
  }
}
