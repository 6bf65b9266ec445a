// Reading in windows: many small reads near each other, as of directories, headers and small messages, come out of one
// larger read. What a window holds may be older than the file.
import type { Reading } from './positional-io.js';

const windowBytes = 2 ** 16;

/** `file` with one window in memory; reads as long as a window go past it. */
export function readThroughWindow(file: Reading): Reading {
  let window = { begin: 0, bytes: new Uint8Array() };
  const load = async (begin: number) => {
    // New bytes each time: a read that was given up may still be under way.
    const bytes = new Uint8Array(windowBytes);
    const { bytesRead } = await file.read(bytes, 0, windowBytes, begin);
    return { begin, bytes: bytes.subarray(0, bytesRead) };
  };
  const read = async (target: Uint8Array, offset: number, length: number, position: number) => {
    if (length >= windowBytes) return file.read(target, offset, length, position);
    let { begin, bytes } = window;
    if (position < begin || position + length > begin + bytes.length) {
      window = await load(position);
      ({ begin, bytes } = window);
    }
    const found = bytes.subarray(position - begin, position - begin + length);
    target.set(found, offset);
    return { bytesRead: found.length };
  };
  return { read };
}

/** Bytes in memory, read like a file. */
export function readFromMemory(source: Uint8Array): Reading {
  const read = (target: Uint8Array, offset: number, length: number, position: number) => {
    const found = source.subarray(position, position + length);
    target.set(found, offset);
    return Promise.resolve({ bytesRead: found.length });
  };
  return { read };
}
