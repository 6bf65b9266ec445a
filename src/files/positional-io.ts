// Whole reads and writes at a position of a file: what the system does in parts is put together here.
import { fileFailed, invalidFile } from '../core/errors.js';
import { attempt } from './attempt.js';

/** The longest single read or write; Node.js throws ERR_OUT_OF_RANGE from 2 GiB on. */
const longestTransfer = 2 ** 30;

/** What reading needs of a FileHandle, so that a part of an archive, or a failing disk, may stand in for it. */
export interface Reading {
  /** Puts up to `length` bytes from `position` on at `offset`; none at the end. */
  read(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
}

/** What writing needs of a FileHandle. */
export interface Writing {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesWritten: number }>;
}

/** The bytes under any view, shared memory included, without a copy. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/**
 * Fills `bytes` from `position` on.
 * @param path for messages
 * @throws INVALID_FILE if the file ends before, which it didn't when its header was checked; FILE_FAILED
 */
export async function readFully(
  file: Reading,
  bytes: Uint8Array,
  { path, position }: { path: string; position: number },
): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const length = Math.min(bytes.length - done, longestTransfer);
    const bytesRead = await attempt(path, 'read', async () => {
      return (await file.read(bytes, done, length, position + done)).bytesRead;
    });
    if (bytesRead === 0) {
      throw invalidFile(path, `a file of at least ${position + bytes.length} bytes`, 'data', position + done);
    }
    done += bytesRead;
  }
}

/**
 * Writes all of `bytes` from `position` on, or where the file stands if it is null. A full disk first writes less than it was given and fails at the next
 * attempt, so a short write is no success.
 * @param path for messages
 * @throws FILE_FAILED
 */
export async function writeFully(
  file: Writing,
  bytes: Uint8Array,
  { path, position }: { path: string; position: number | null },
): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const length = Math.min(bytes.length - done, longestTransfer);
    const at = position === null ? null : position + done;
    const bytesWritten = await attempt(path, 'write', async () => {
      return (await file.write(bytes, done, length, at)).bytesWritten;
    });
    if (bytesWritten === 0) throw fileFailed(path, 'write', new Error('nothing was written'));
    done += bytesWritten;
  }
}
