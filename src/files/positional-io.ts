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

/** The bytes under any view of up to 4 GiB, shared memory included, without a copy. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** The same of any size, in pieces of up to 1 GiB. */
export function* piecesOf(view: ArrayBufferView): Generator<Uint8Array> {
  for (let done = 0; done < view.byteLength; done += longestTransfer) {
    const length = Math.min(longestTransfer, view.byteLength - done);
    yield new Uint8Array(view.buffer, view.byteOffset + done, length);
  }
}

/**
 * Fills `view` from `position` on.
 * @param path for messages
 * @throws INVALID_FILE if the file ends before, which it didn't when its header was checked; FILE_FAILED
 */
export async function readFully(
  file: Reading,
  view: ArrayBufferView,
  { path, position }: { path: string; position: number },
): Promise<void> {
  await transferAll(view, async (bytes, done, before) => {
    const at = position + before;
    const { bytesRead } = await attempt(path, 'read', () => file.read(bytes, done, bytes.length - done, at));
    if (bytesRead > 0) return bytesRead;
    throw invalidFile(path, `a file of at least ${position + view.byteLength} bytes`, 'data', at);
  });
}

/**
 * Writes all of `view` from `position` on, or where the file stands if it is null. A full disk first writes less than
 * it was given and fails at the next attempt, so a short write is no success.
 * @param path for messages
 * @throws FILE_FAILED
 */
export async function writeFully(
  file: Writing,
  view: ArrayBufferView,
  { path, position }: { path: string; position: number | null },
): Promise<void> {
  await transferAll(view, async (bytes, done, before) => {
    const at = position === null ? null : position + before;
    const { bytesWritten } = await attempt(path, 'write', () =>
      file.write(bytes, done, bytes.length - done, at),
    );
    if (bytesWritten > 0) return bytesWritten;
    throw fileFailed(path, 'write', new Error('nothing was written'));
  });
}

/** @param transfer moves some of `bytes` from its byte `done` on, `before` bytes after the start of the view; how many? */
async function transferAll(
  view: ArrayBufferView,
  transfer: (bytes: Uint8Array, done: number, before: number) => Promise<number>,
): Promise<void> {
  let before = 0;
  for (const bytes of piecesOf(view)) {
    for (let done = 0; done < bytes.length;) {
      const count = await transfer(bytes, done, before);
      done += count;
      before += count;
    }
  }
}
