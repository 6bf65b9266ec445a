// A small file that is there once, whoever is first.
import { writeFile } from 'node:fs/promises';
import { systemCodeOf } from './attempt.js';

/** Whether there was none: one that is there stays as it is. */
export async function createOnce(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}
