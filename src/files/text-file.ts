// Reads a file of text that people or programs write for us, whole: never a FIFO or a device, and never more than it
// may have.
import { readFile } from 'node:fs/promises';
import { invalidFile } from '../core/errors.js';
import { attempt } from './attempt.js';
import { openRegularFile } from './open-file.js';

/**
 * The text of a regular file of UTF-8.
 * @param mostBytes more are refused before they are read
 * @throws INVALID_FILE if it is larger, FILE_FAILED
 */
export async function readTextFile(path: string, mostBytes: number): Promise<string> {
  const { handle, size } = await openRegularFile(path);
  try {
    if (size > mostBytes) throw invalidFile(path, `at most ${mostBytes} bytes`, 'size', size);
    return await attempt(path, 'read', () => readFile(handle, 'utf8'));
  } finally {
    await handle.close();
  }
}
