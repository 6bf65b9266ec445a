// The literals of a block of Zstandard.
import { decodeHuffman, readHuffmanTable, type HuffmanTable } from './zstd-huffman.js';

export interface Literals {
  readonly bytes: Uint8Array;
  /** For later blocks that give none of their own. */
  readonly table: HuffmanTable | undefined;
  /** What they take of the block. */
  readonly byteLength: number;
}

const kinds = ['raw', 'repeated', 'coded', 'codedAsBefore'] as const;

/** @throws Error */
export function readLiterals(block: Uint8Array, before: HuffmanTable | undefined, most: number): Literals {
  const first = block[0] ?? 0;
  const kind = kinds[first & 3]!;
  const format = (first >> 2) & 3;
  if (kind === 'raw' || kind === 'repeated') {
    const headerBytes = format === 1 ? 2 : format === 3 ? 3 : 1;
    const size = readNumber(block, headerBytes) >> (headerBytes === 1 ? 3 : 4);
    const storedBytes = kind === 'raw' ? size : 1;
    const byteLength = headerBytes + storedBytes;
    requireSizes(block, { byteLength, size, most });
    const stored = block.subarray(headerBytes, byteLength);
    const bytes = kind === 'raw' ? stored : new Uint8Array(size).fill(stored[0]!);
    return { bytes, table: before, byteLength };
  }
  const headerBytes = format < 2 ? 3 : format + 2;
  const sizeBits = format < 2 ? 10 : format === 2 ? 14 : 18;
  const sizes = Math.floor(readNumber(block, headerBytes) / 16);
  const size = sizes % 2 ** sizeBits;
  const byteLength = headerBytes + Math.floor(sizes / 2 ** sizeBits);
  requireSizes(block, { byteLength, size, most });
  let streams = block.subarray(headerBytes, byteLength);
  let table = before;
  if (kind === 'coded') {
    const read = readHuffmanTable(streams);
    table = read.table;
    streams = streams.subarray(read.byteLength);
  }
  if (table === undefined) throw new Error('a block refers to a table that was not given');
  const bytes = new Uint8Array(size);
  if (format === 0) decodeHuffman(table, streams, bytes);
  else decodeFour(table, streams, bytes);
  return { bytes, table, byteLength };
}

/** Four streams, each of a quarter of the literals, after the lengths of the first three. */
function decodeFour(table: HuffmanTable, streams: Uint8Array, bytes: Uint8Array): void {
  const quarter = (bytes.length + 3) >> 2;
  let from = 6;
  for (let index = 0; index < 4; index++) {
    const length = readNumber(streams.subarray(2 * index), 2);
    const end = index === 3 ? streams.length : from + length;
    if (end > streams.length) throw new Error('a block is cut short');
    const target = bytes.subarray(index * quarter, index === 3 ? bytes.length : (index + 1) * quarter);
    decodeHuffman(table, streams.subarray(from, end), target);
    from = end;
  }
}

function requireSizes(
  block: Uint8Array,
  { byteLength, size, most }: { byteLength: number; size: number; most: number },
): void {
  if (byteLength > block.length) throw new Error('a block is cut short');
  if (size > most) throw new Error('a block has more literals than it may');
}

/** Little-endian, of up to five bytes. */
function readNumber(bytes: Uint8Array, count: number): number {
  let number = 0;
  for (let index = count - 1; index >= 0; index--) number = number * 256 + (bytes[index] ?? 0);
  return number;
}
