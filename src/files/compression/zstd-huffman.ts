// Huffman codes of the literals in Zstandard.
import { BackwardBits, floorLog2 } from './zstd-bits.js';
import { readFseTable } from './zstd-fse.js';

export interface HuffmanTable {
  /** Of the longest code. */
  readonly log: number;
  /** [2^log] each, by the next bits. */
  readonly symbols: Uint8Array;
  readonly bitCounts: Uint8Array;
}

const mostLog = 11;
const mostWeights = 255;
const mostWeight = 12;

/** Reads a table at the start of `bytes`, and says how many of them it takes. @throws Error */
export function readHuffmanTable(bytes: Uint8Array): {
  readonly table: HuffmanTable;
  readonly byteLength: number;
} {
  const header = bytes[0] ?? 0;
  const byteLength = 1 + (header < 128 ? header : Math.ceil((header - 127) / 2));
  if (byteLength > bytes.length) throw new Error('a table of codes is cut short');
  const packed = bytes.subarray(1, byteLength);
  return {
    table: buildTable(header < 128 ? decodeWeights(packed) : halves(packed, header - 127)),
    byteLength,
  };
}

function halves(packed: Uint8Array, count: number): number[] {
  return Array.from({ length: count }, (_, n) => (packed[n >> 1]! >> (n % 2 === 0 ? 4 : 0)) & 15);
}

/** Two states by turns, until the bits are used up. */
function decodeWeights(packed: Uint8Array): number[] {
  const { table, byteLength } = readFseTable(packed, { mostLog: 6, mostSymbols: mostWeight + 1 });
  const bits = new BackwardBits(packed.subarray(byteLength));
  const states: [number, number] = [bits.read(table.log), bits.read(table.log)];
  const weights: number[] = [];
  for (let turn: 0 | 1 = 0; ; turn = turn === 0 ? 1 : 0) {
    const state = states[turn];
    weights.push(table.symbols[state]!);
    states[turn] = table.bases[state]! + bits.read(table.bitCounts[state]!);
    if (bits.left < 0) {
      weights.push(table.symbols[states[turn === 0 ? 1 : 0]]!);
      return weights;
    }
    if (weights.length > mostWeights) throw new Error('a table of codes is too long');
  }
}

/** @param weights of all symbols but the last, whose weight makes the sum a power of two */
function buildTable(weights: readonly number[]): HuffmanTable {
  const sum = weights.reduce((total, weight) => total + (weight === 0 ? 0 : 2 ** (weight - 1)), 0);
  const log = sum === 0 ? mostLog + 1 : floorLog2(sum) + 1;
  const rest = 2 ** log - sum;
  if (log > mostLog || weights.length > mostWeights || 2 ** floorLog2(rest) !== rest) {
    throw new Error('a table of codes is damaged');
  }
  const all = [...weights, floorLog2(rest) + 1];
  const symbols = new Uint8Array(2 ** log);
  const bitCounts = new Uint8Array(2 ** log);
  let at = 0;
  for (let weight = 1; weight <= log; weight++) {
    for (const [symbol, own] of all.entries()) {
      if (own !== weight) continue;
      const end = at + 2 ** (weight - 1);
      symbols.fill(symbol, at, end);
      bitCounts.fill(log + 1 - weight, at, end);
      at = end;
    }
  }
  return { log, symbols, bitCounts };
}

/** Fills `target` from a stream that holds exactly as many symbols. @throws Error */
export function decodeHuffman(
  { log, symbols, bitCounts }: HuffmanTable,
  stream: Uint8Array,
  target: Uint8Array,
): void {
  const bits = new BackwardBits(stream);
  let { left } = bits;
  let index = 0;
  // As `peek` does, where all of its bits are there: most of the time of a frame goes into this loop.
  for (; index < target.length && left >= log + 16; index++) {
    const from = left - log;
    const byte = from >> 3;
    const word = stream[byte]! | (stream[byte + 1]! << 8) | (stream[byte + 2]! << 16);
    const code = (word >> (from & 7)) & (symbols.length - 1);
    target[index] = symbols[code]!;
    left -= bitCounts[code]!;
  }
  bits.left = left;
  for (; index < target.length && bits.left >= 0; index++) {
    const code = bits.peek(log);
    target[index] = symbols[code]!;
    bits.left -= bitCounts[code]!;
  }
  if (bits.left !== 0) throw new Error('a stream of literals has another length');
}
