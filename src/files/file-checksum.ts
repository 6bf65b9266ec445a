// The checksum of a whole file, which tells whether its content is what it was, whatever the times say.
import { crc32 } from 'node:zlib';
import { openRegularFile } from './open-file.js';
import { readFully } from './positional-io.js';

const chunkBytes = 2 ** 22;

/** CRC-32 (the polynomial of zlib); some 4 GB/s. @throws FILE_FAILED; INVALID_FILE if the file shrinks meanwhile */
export async function checksumOf(path: string): Promise<number> {
  const { handle, size } = await openRegularFile(path);
  try {
    return await checksumOfPart(handle, { path, begin: 0, byteLength: size });
  } finally {
    await handle.close();
  }
}

interface FilePart {
  /** For messages. */
  readonly path: string;
  readonly begin: number;
  readonly byteLength: number;
}

/** That of some bytes of an open file. @throws FILE_FAILED; INVALID_FILE if they are not there */
export async function checksumOfPart(
  handle: Parameters<typeof readFully>[0],
  { path, begin, byteLength }: FilePart,
): Promise<number> {
  const scratch = new Uint8Array(Math.min(byteLength, chunkBytes));
  let checksum = 0;
  for (let done = 0; done < byteLength; done += scratch.length) {
    const bytes = scratch.subarray(0, Math.min(scratch.length, byteLength - done));
    await readFully(handle, bytes, { path, position: begin + done });
    checksum = crc32(bytes, checksum);
  }
  return checksum;
}

/** As messages and reports show it: 8 digits, as `crc32` prints them. */
export function formatChecksum(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}
