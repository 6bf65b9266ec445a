// Bytes in their order, a chunk at a time: of a regular file from a position on, or of whatever yields them. What is
// inside compressed files is another matter (open-bytes.ts).
import { Readable } from 'node:stream';
import { fileFailed } from '../core/errors.js';
import { attempt } from './attempt.js';
import { openRegularFile, type RegularFile } from './open-file.js';
import { readFully } from './positional-io.js';

/** A file, or what stands in for it. */
export interface ByteOrigin {
  /** For messages too. */
  readonly path: string;
  /** What to read instead of the file, such as standard input. */
  readonly bytes?: AsyncIterable<Uint8Array>;
}

/** One call of `read` at a time; `close` may come at any time. */
export interface ByteSource {
  /** In bytes; undefined if nobody can know. */
  readonly size: number | undefined;
  /** The next chunk, valid until the next call; undefined at the end. @throws INVALID_FILE, FILE_FAILED */
  read(): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

const chunkBytes = 2 ** 20;

/** Reads the file as it is from `position` on, where it may have ended, or `bytes`. @throws FILE_FAILED */
export async function openByteSource({ path, bytes }: ByteOrigin, position = 0): Promise<ByteSource> {
  if (bytes !== undefined) return new IterableSource(path, bytes);
  return new FileSource(path, await openRegularFile(path), position);
}

class FileSource implements ByteSource {
  readonly #path: string;
  readonly #file: RegularFile;
  readonly #chunk: Uint8Array;
  #position: number;

  constructor(path: string, file: RegularFile, position: number) {
    this.#path = path;
    this.#file = file;
    this.#chunk = new Uint8Array(Math.min(chunkBytes, Math.max(0, file.size - position)));
    this.#position = position;
  }

  get size() {
    return this.#file.size;
  }

  /** Up to the size that the file had when it was opened, so that one being written to has an end. */
  async read(): Promise<Uint8Array | undefined> {
    const left = this.#file.size - this.#position;
    if (left <= 0) return undefined;
    const chunk = this.#chunk.subarray(0, left);
    await readFully(this.#file.handle, chunk, { path: this.#path, position: this.#position });
    this.#position += chunk.length;
    return chunk;
  }

  close(): Promise<void> {
    return attempt(this.#path, 'close', () => this.#file.handle.close());
  }
}

class IterableSource implements ByteSource {
  readonly size = undefined;
  readonly #path: string;
  readonly #bytes: AsyncIterable<Uint8Array>;
  readonly #iterator: AsyncIterator<Uint8Array>;
  #isClosed = false;
  /** Ends the read that is waiting. */
  #abandon: ((reason: Error) => void) | undefined;

  constructor(path: string, bytes: AsyncIterable<Uint8Array>) {
    this.#path = path;
    this.#bytes = bytes;
    this.#iterator = bytes[Symbol.asyncIterator]();
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#isClosed) throw this.#closedError();
    const { done, value } = await attempt(this.#path, 'read', () => this.#waitForNext());
    return done === true ? undefined : value;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const isWaiting = this.#abandon !== undefined;
    this.#abandon?.(this.#closedError());
    if (this.#bytes instanceof Readable) {
      this.#bytes.destroy();
      return;
    }
    // A generator answers `return` after what it waits for, which may never come.
    const ended = Promise.resolve(this.#iterator.return?.()).then(() => {});
    if (isWaiting) ended.catch(() => {});
    else await attempt(this.#path, 'close', () => ended);
  }

  /** The iterator's answer, or `close` before it. */
  async #waitForNext(): Promise<IteratorResult<Uint8Array, unknown>> {
    try {
      return await new Promise((resolve, reject) => {
        this.#abandon = reject;
        this.#iterator.next().then(resolve, reject);
      });
    } finally {
      this.#abandon = undefined;
    }
  }

  #closedError(): Error {
    return fileFailed(this.#path, 'read', new Error('it was closed'));
  }
}
