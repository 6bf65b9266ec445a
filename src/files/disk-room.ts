// Whether file systems have room for what is to be written, by what is free on them now.
import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileFailed } from '../core/errors.js';
import { attempt } from './attempt.js';

/** A file to come; its folder is there. */
export interface ExpectedFile {
  readonly path: string;
  /** That it takes at least, besides what of it is written. */
  readonly byteLength: number;
}

interface Disk {
  readonly freeBytes: number;
  /** Of the first file on it. */
  readonly path: string;
  wantedBytes: number;
}

/** @throws FILE_FAILED if a file system has less room than its files take together */
export async function refuseOverDisk(files: readonly ExpectedFile[]): Promise<void> {
  const disks = new Map<number, Disk>();
  for (const { path, byteLength } of files) {
    await attempt(path, 'look for room', async () => {
      const folder = dirname(path);
      const { dev } = await stat(folder);
      const disk = disks.get(dev) ?? { path, freeBytes: await freeBytesAt(folder), wantedBytes: 0 };
      disk.wantedBytes += byteLength;
      disks.set(dev, disk);
    });
  }
  for (const { path, freeBytes, wantedBytes } of disks.values()) {
    if (wantedBytes <= freeBytes) continue;
    const reason = `at least ${megabytes(wantedBytes)} are to be written, and its file system has ${megabytes(freeBytes)} free`;
    throw fileFailed(path, 'find room', new Error(reason));
  }
}

/** Infinity where the system doesn't say. */
async function freeBytesAt(folder: string): Promise<number> {
  const { bsize, blocks, bavail, bfree } = await statfs(folder);
  // Some blocks are kept for root.
  const left = process.getuid?.() === 0 ? bfree : bavail;
  return blocks === 0 ? Infinity : left * bsize;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 3 : 0)} MB`;
}
