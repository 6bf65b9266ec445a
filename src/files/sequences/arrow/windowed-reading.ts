// Reading for files of many small messages: what is read little by little comes out of one larger read.
import type { Reading } from '../../positional-io.js';

const windowBytes = 2 ** 16;

/** `file` with one window in memory; reads that overlap in time must go to `file` itself. */
export function readThroughWindow(file: Reading): Reading {
  const window = new Uint8Array(windowBytes);
  let begin = 0;
  let end = 0;
  const read = async (bytes: Uint8Array, offset: number, length: number, position: number) => {
    if (length >= windowBytes) return file.read(bytes, offset, length, position);
    if (position < begin || position + length > end) {
      const { bytesRead } = await file.read(window, 0, windowBytes, position);
      begin = position;
      end = position + bytesRead;
    }
    const bytesRead = Math.min(length, end - position);
    bytes.set(window.subarray(position - begin, position - begin + bytesRead), offset);
    return { bytesRead, buffer: bytes };
  };
  return { read };
}

/** Bytes in memory, read like a file. */
export function readFromMemory(source: Uint8Array): Reading {
  const read = (bytes: Uint8Array, offset: number, length: number, position: number) => {
    const part = source.subarray(position, position + length);
    bytes.set(part, offset);
    return Promise.resolve({ bytesRead: part.length, buffer: bytes });
  };
  return { read };
}
