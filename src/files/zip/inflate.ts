// Inflates a member of a zip archive from its start, a chunk at a time, and holds it against what the directory says:
// its length before any byte too many is passed on, its checksum at the end.
import { pipeline } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { invalidFile } from '../../core/errors.js';
import { readFully, type Reading } from '../positional-io.js';
import { systemCodeOf } from '../attempt.js';
import type { ZipMember } from './member.js';

/** How much is read, and how much inflated, at a time: whatever a member swells to, memory is bounded by it. */
const chunkBytes = 2 ** 16;

/** What zlib calls a stream that is damaged, and one that ends early. */
const zlibErrors: readonly unknown[] = ['Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT'];

/**
 * All bytes of `member`, as many as it declares.
 * @throws INVALID_FILE naming `data`, `size` or `crc32`; FILE_FAILED
 */
export async function* inflateMember(archive: Reading, member: ZipMember): AsyncGenerator<Uint8Array, void> {
  const { label, storedLength, byteLength } = member;
  const inflater = createInflateRaw({ chunkSize: chunkBytes });
  // Errors of both sides come out of the loop below.
  pipeline(readStored(archive, member), inflater, () => undefined);
  let length = 0;
  let checksum = 0;
  try {
    for await (const chunk of inflater as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > byteLength) throw invalidFile(label, `the ${byteLength} bytes inside`, 'size', length);
      checksum = crc32(chunk, checksum);
      yield chunk;
    }
  } catch (error) {
    if (!(error instanceof Error && zlibErrors.includes(systemCodeOf(error)))) throw error;
    throw invalidFile(label, 'a deflated stream', 'data', error.message);
  } finally {
    inflater.destroy();
  }
  if (length !== byteLength) throw invalidFile(label, `the ${byteLength} bytes inside`, 'size', length);
  if (inflater.bytesWritten !== storedLength) {
    throw invalidFile(label, `a stream of ${storedLength} bytes`, 'data', inflater.bytesWritten);
  }
  if (checksum !== member.crc32) throw invalidFile(label, `checksum ${member.crc32}`, 'crc32', checksum);
}

async function* readStored(
  archive: Reading,
  { label, dataOffset, storedLength }: ZipMember,
): AsyncGenerator<Uint8Array, void> {
  for (let done = 0; done < storedLength; done += chunkBytes) {
    // New ones each, because the inflater may still be reading the last.
    const bytes = new Uint8Array(Math.min(chunkBytes, storedLength - done));
    await readFully(archive, bytes, { path: label, position: dataOffset + done });
    yield bytes;
  }
}
