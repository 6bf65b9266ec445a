// Room for the files of a benchmark.
import { mkdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byteSize, parseByteSize } from '../../src/config/byte-size.js';
import { formatBytes } from '../../src/page/figures.js';

/** What `--folder` names, or one among the system's temporary files; it is there then. */
export async function openFolder(given: string): Promise<string> {
  const folder = given === '' ? join(tmpdir(), 'headpool-bench') : given;
  await mkdir(folder, { recursive: true });
  return folder;
}

/** @throws RangeError saying how much is missing */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new RangeError(
    `Expected ${formatBytes(bytes)} free in ${folder}, got ${formatBytes(free)}; --folder names another place`,
  );
}

/** @throws RangeError if it is no size as the command takes them: 2MB, 4GiB */
export function readBytes(name: string, given: string): number {
  const bytes = byteSize.test(given) ? parseByteSize(given) : 0;
  if (bytes > 0) return bytes;
  throw new RangeError(`Expected a size such as 2MB or 4GiB for --${name}, got ${given}`);
}
