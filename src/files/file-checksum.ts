// Checksums of files and of parts of them, which tell whether their content is what it was, whatever the times say.
import { crc32 } from 'node:zlib';
import { invalidFile } from '../core/errors.js';
import type { WrittenPart } from './byte-sink.js';
import { openRegularFile } from './open-file.js';
import { readPart, type OpenFile } from './read-part.js';

/** CRC-32 (the polynomial of zlib); some 4 GB/s. @throws FILE_FAILED; INVALID_FILE if the file shrinks meanwhile */
export async function checksumOf(path: string): Promise<number> {
  const { handle, size } = await openRegularFile(path);
  try {
    return await checksumOfPart({ path, handle }, { begin: 0, byteLength: size });
  } finally {
    await handle.close();
  }
}

/** That of some bytes of an open file. @throws FILE_FAILED; INVALID_FILE if they are not there */
export async function checksumOfPart(file: OpenFile, part: Omit<WrittenPart, 'checksum'>): Promise<number> {
  let checksum = 0;
  for await (const bytes of readPart(file, part)) checksum = crc32(bytes, checksum);
  return checksum;
}

/** Reads a part, with an error at its end if it has other bytes than were written. @throws INVALID_FILE, FILE_FAILED */
export async function* readCheckedPart(file: OpenFile, part: WrittenPart): AsyncGenerator<Uint8Array> {
  let found = 0;
  for await (const bytes of readPart(file, part)) {
    found = crc32(bytes, found);
    yield bytes;
  }
  checkPart(file.path, part, found);
}

/** @throws INVALID_FILE if `found` is not the checksum of the part */
export function checkPart(path: string, { begin, byteLength, checksum }: WrittenPart, found: number): void {
  if (found === checksum) return;
  const what = `CRC-32 ${formatChecksum(checksum)} of bytes ${begin} to ${begin + byteLength}`;
  throw invalidFile(path, what, 'checksum', formatChecksum(found));
}

/** As messages and reports show it: 8 digits, as `crc32` prints them. */
export function formatChecksum(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}
