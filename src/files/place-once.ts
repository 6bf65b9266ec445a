// A file that is written beside its name, and gets that only where nothing has it yet.
import { link, rename, rm } from 'node:fs/promises';
import { systemCodeOf } from './attempt.js';

/** Moves a file to where none is; one that is there stays, where the file system has hard links. */
export async function placeOnce(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}
