// Where the bytes of an output go, one after another: a file that appears complete or not at all, or a pipe.
import { fstatSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { invalidFile } from '../core/errors.js';
import { attempt } from './attempt.js';
import { createAtomicFile, type AtomicFile } from './atomic-file.js';
import { piecesOf, writeFully, type Writing } from './positional-io.js';

/** Bytes that were written, and what they must read as. */
export interface WrittenPart {
  readonly begin: number;
  readonly byteLength: number;
  /** CRC-32 (the polynomial of zlib). */
  readonly checksum: number;
}

/** Each must stay as it is until the next is asked for. */
export type Pieces = Iterable<ArrayBufferView> | AsyncIterable<ArrayBufferView>;

export interface ByteSink {
  /** Bytes so far. */
  readonly byteLength: number;
  /** @throws FILE_FAILED */
  append(pieces: Pieces): Promise<WrittenPart>;
  /** Writes over the first bytes; a pipe, whose format knows them from the start, has them already. @throws FILE_FAILED */
  rewrite(prologue: Uint8Array): Promise<WrittenPart>;
  /** Resolves once all that was written has reached the disk. @throws FILE_FAILED */
  sync(): Promise<void>;
  /** Puts the file under its name; `sync` comes before. @throws FILE_FAILED */
  commit(): Promise<void>;
  /** Stops; a file stays, partial, for a later run. @throws FILE_FAILED */
  close(): Promise<void>;
  /** Stops; nothing is left. @throws FILE_FAILED */
  discard(): Promise<void>;
}

export interface Continued {
  readonly partialPath: string;
  /** What to keep of an existing partial file; the rest is cut off. */
  readonly byteLength: number;
}

/**
 * Writes beside `path` until `commit`.
 * @param continued default a new file
 * @throws FILE_FAILED as `createAtomicFile` does; INVALID_FILE if there is less to keep
 */
export async function openFileSink(path: string, continued?: Continued): Promise<ByteSink> {
  const file = await createAtomicFile(path, { partialPath: continued?.partialPath });
  const byteLength = continued?.byteLength ?? 0;
  try {
    const found = await file.readLength();
    if (found < byteLength) throw invalidFile(file.partialPath, `at least ${byteLength}`, 'bytes', found);
    await file.setLength(byteLength);
  } catch (error) {
    await file.close();
    throw error;
  }
  return new FileSink(file, byteLength);
}

class FileSink implements ByteSink {
  readonly #file: AtomicFile;
  #byteLength: number;
  /** What has reached the disk, and what of that no longer is in memory, from the start on. */
  #synced: number;
  #dropped: number;

  constructor(file: AtomicFile, byteLength: number) {
    this.#file = file;
    this.#byteLength = byteLength;
    this.#synced = byteLength;
    this.#dropped = byteLength;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  async append(pieces: Pieces): Promise<WrittenPart> {
    // What is written now takes the memory of what was; the last part stays, and so does a file of one part.
    this.#file.dropPages(this.#dropped, this.#synced - this.#dropped);
    this.#dropped = this.#synced;
    const begin = this.#byteLength;
    const written = await writeAll(pieces, (bytes, offset) => this.#file.write(bytes, begin + offset));
    this.#byteLength += written.byteLength;
    return { begin, ...written };
  }

  async rewrite(prologue: Uint8Array): Promise<WrittenPart> {
    const written = await writeAll([prologue], (bytes) => this.#file.write(bytes, 0));
    return { begin: 0, ...written };
  }

  async sync(): Promise<void> {
    const byteLength = this.#byteLength;
    await this.#file.sync();
    this.#synced = byteLength;
  }

  commit(): Promise<void> {
    return this.#file.commit();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  discard(): Promise<void> {
    return this.#file.discard();
  }
}

/** Such as standard output, which may be a file. */
export type PipeStream = NodeJS.WritableStream & { readonly fd?: number };

/** @param name for messages */
export function openPipeSink(stream: PipeStream, name: string): ByteSink {
  return new PipeSink(stream, name);
}

class PipeSink implements ByteSink {
  readonly #stream: PipeStream;
  readonly #name: string;
  #byteLength = 0;

  constructor(stream: PipeStream, name: string) {
    this.#stream = stream;
    this.#name = name;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  async append(pieces: Pieces): Promise<WrittenPart> {
    const begin = this.#byteLength;
    const written = await writeAll(pieces, (bytes) => writeToStream(this.#stream, bytes, this.#name));
    this.#byteLength += written.byteLength;
    return { begin, ...written };
  }

  rewrite(prologue: Uint8Array): Promise<WrittenPart> {
    return Promise.resolve({ begin: 0, byteLength: prologue.length, checksum: crc32(prologue) });
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  commit(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  discard(): Promise<void> {
    return Promise.resolve();
  }
}

/** Resolves when the bytes have been taken, so that the caller may change them. */
async function writeToStream(stream: PipeStream, bytes: Uint8Array, name: string): Promise<void> {
  const { fd } = stream;
  if (fd !== undefined && fstatSync(fd).isFile()) {
    // The stream of a file writes once, and takes for written what a full disk didn't take.
    const file: Writing = { write: (...at) => promisify(write)(fd, ...at) };
    await writeFully(file, bytes, { path: name, position: null });
    return;
  }
  await attempt(name, 'write', () => writeToPipe(stream, bytes));
}

function writeToPipe(stream: PipeStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

async function writeAll(
  pieces: Pieces,
  write: (bytes: Uint8Array, offset: number) => Promise<void>,
): Promise<Omit<WrittenPart, 'begin'>> {
  let [byteLength, checksum] = [0, 0];
  for await (const piece of pieces) {
    for (const bytes of piecesOf(piece)) {
      const writing = write(bytes, byteLength);
      // While the system writes.
      checksum = crc32(bytes, checksum);
      await writing;
      byteLength += bytes.length;
    }
  }
  return { byteLength, checksum };
}
