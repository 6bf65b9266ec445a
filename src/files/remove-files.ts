// Removes files that may be there or not.
import { unlink } from 'node:fs/promises';
import { attempt, unlessMissing } from './attempt.js';

/** Resolves to how many there were. @throws FILE_FAILED */
export async function removeFiles(paths: readonly string[]): Promise<number> {
  let removed = 0;
  for (const path of paths) {
    await attempt(path, 'remove', () => unlessMissing(unlink(path).then(() => removed++)));
  }
  return removed;
}
