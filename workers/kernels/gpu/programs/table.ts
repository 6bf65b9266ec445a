// Tables that the host makes for a dispatch.
import type { Table } from '../dispatch.js';

export function wordsTable(words: Uint32Array | Float32Array): Table {
  return { kind: 'table', bytes: new Uint8Array(words.buffer, words.byteOffset, words.byteLength) };
}
