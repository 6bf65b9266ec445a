// Bytes of a file in pieces: the next is read while the last is being used.
import type { WrittenPart } from './byte-sink.js';
import { readFully, type Reading } from './positional-io.js';

const pieceBytes = 2 ** 22;

export interface OpenFile {
  /** For messages. */
  readonly path: string;
  readonly handle: Reading;
}

/** Each piece stays as it is until the next is asked for. @throws INVALID_FILE if the file is shorter; FILE_FAILED */
export async function* readPart(
  { path, handle }: OpenFile,
  { begin, byteLength }: Omit<WrittenPart, 'checksum'>,
): AsyncGenerator<Uint8Array> {
  const buffers = [0, 1].map(() => new Uint8Array(Math.min(pieceBytes, byteLength)));
  const read = async (done: number): Promise<Uint8Array> => {
    const buffer = buffers[(done / pieceBytes) % 2]!;
    const bytes = buffer.subarray(0, byteLength - done);
    await readFully(handle, bytes, { path, position: begin + done });
    return bytes;
  };
  let next = read(0);
  for (let done = 0; done < byteLength; done += pieceBytes) {
    const bytes = await next;
    if (done + pieceBytes < byteLength) next = read(done + pieceBytes);
    // Nobody waits for it if the reader stops here.
    next.catch(() => undefined);
    yield bytes;
  }
}
