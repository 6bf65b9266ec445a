// Tables of finite state entropy, the code of lengths and offsets in Zstandard: from a state follow a symbol, and how
// many bits lead from which base to the next state.
import { floorLog2 } from './zstd-bits.js';

export interface FseTable {
  /** Bits of a state. */
  readonly log: number;
  /** [2^log] each. */
  readonly symbols: Uint8Array;
  readonly bitCounts: Uint8Array;
  readonly bases: Uint16Array;
}

const smallestLog = 5;

/** The table of a single symbol, which takes no bits. */
export function singleSymbol(symbol: number): FseTable {
  return {
    log: 0,
    symbols: Uint8Array.of(symbol),
    bitCounts: new Uint8Array(1),
    bases: new Uint16Array(1),
  };
}

/** Reads a table at the start of `bytes`, and says how many of them it takes. @throws Error */
export function readFseTable(
  bytes: Uint8Array,
  { mostLog, mostSymbols }: { mostLog: number; mostSymbols: number },
): { readonly table: FseTable; readonly byteLength: number } {
  let at = 0;
  const peek = (count: number): number => {
    const index = at >> 3;
    const word = (bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8) | ((bytes[index + 2] ?? 0) << 16);
    return (word >> (at & 7)) & ((1 << count) - 1);
  };
  const log = peek(4) + smallestLog;
  at += 4;
  if (log > mostLog) throw new Error('a table of states is too large');
  /** Of each symbol; -1 is less than one. */
  const counts: number[] = [];
  let left = 1 << log;
  while (left > 0) {
    if (counts.length >= mostSymbols || at > bytes.length * 8)
      throw new Error('a table of states is damaged');
    const bits = floorLog2(left + 1) + 1;
    const mask = (1 << (bits - 1)) - 1;
    const threshold = (1 << bits) - 1 - (left + 1);
    let value = peek(bits);
    const isShort = (value & mask) < threshold;
    at += isShort ? bits - 1 : bits;
    if (isShort) value &= mask;
    else if (value > mask) value -= threshold;
    const count = value - 1;
    left -= Math.abs(count);
    counts.push(count);
    for (let zeros = count === 0 ? 3 : 0; zeros === 3;) {
      zeros = peek(2);
      at += 2;
      for (let zero = 0; zero < zeros; zero++) counts.push(0);
    }
  }
  const byteLength = Math.ceil(at / 8);
  if (left < 0 || counts.length > mostSymbols || byteLength > bytes.length) {
    throw new Error('a table of states is damaged');
  }
  return { table: buildFseTable(counts, log), byteLength };
}

/** @param counts of states of each symbol; -1 is a state at the end */
export function buildFseTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const next = counts.map(Math.abs);
  let high = size;
  for (const [symbol, count] of counts.entries()) if (count < 0) symbols[--high] = symbol;
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (const [symbol, count] of counts.entries()) {
    for (let n = 0; n < count; n++) {
      symbols[at] = symbol;
      do at = (at + step) % size;
      while (at >= high);
    }
  }
  const bitCounts = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let state = 0; state < size; state++) {
    const occurrence = next[symbols[state]!]!++;
    const bits = log - floorLog2(occurrence);
    bitCounts[state] = bits;
    bases[state] = (occurrence << bits) - size;
  }
  return { log, symbols, bitCounts, bases };
}
