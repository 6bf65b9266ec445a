// Opening and comparing files by what they are on disk. Kinds are checked before opening, because opening a FIFO
// waits for its other end and opening a device may do anything.
import type { BigIntStats, Stats } from 'node:fs';
import { access, open, stat, type FileHandle } from 'node:fs/promises';
import { attempt } from './attempt.js';

export interface RegularFile {
  readonly handle: FileHandle;
  /** In bytes, when it was opened. */
  readonly size: number;
}

/**
 * Opens an existing regular file.
 * @param flags 'r' to read (the default), 'r+' to write into it
 * @throws FILE_FAILED if there is none, if it is a folder, FIFO or device, or if access is refused
 */
export async function openRegularFile(path: string, flags: 'r' | 'r+' = 'r'): Promise<RegularFile> {
  return attempt(path, 'open', async () => {
    requireRegular(await stat(path));
    const handle = await open(path, flags);
    try {
      const stats = await handle.stat();
      requireRegular(stats);
      return { handle, size: stats.size };
    } catch (error) {
      await handle.close();
      throw error;
    }
  });
}

/** @throws Error saying what the thing is, unless it is a regular file */
export function requireRegular(stats: Stats | BigIntStats): void {
  if (!stats.isFile()) throw new Error(`it is ${describeKind(stats)}, not a regular file`);
}

/** What tells the file behind a path, through links, from every other one; undefined if there is none. */
export async function fileKeyOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${String(dev)}:${String(ino)}`;
  } catch {
    return undefined;
  }
}

function describeKind(stats: Stats | BigIntStats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isSymbolicLink()) return 'a link';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

/** Whether something is at `path`. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
