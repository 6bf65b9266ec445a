// The sequences of a block of Zstandard: how many literals, and then which bytes of before, by turns.
import { BackwardBits } from './zstd-bits.js';
import { buildFseTable, readFseTable, singleSymbol, type FseTable } from './zstd-fse.js';

/** One code of a sequence: literal lengths, offsets or match lengths. */
interface Code {
  readonly usual: FseTable;
  readonly mostLog: number;
  readonly mostSymbols: number;
}

/** The tables of the block before, in the order of the file. */
export type SequenceTables = readonly (FseTable | undefined)[];

export interface Sequences {
  readonly count: number;
  readonly tables: SequenceTables;
  /** undefined where there are none. */
  readonly bits: BackwardBits | undefined;
}

// prettier-ignore
const literalCounts = [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1];
// prettier-ignore
const offsetCounts = [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1];
const matchCounts = [
  1,
  4,
  3,
  2,
  2,
  2,
  2,
  2,
  2,
  ...new Array<number>(37).fill(1),
  ...new Array<number>(7).fill(-1),
];

const codes: readonly Code[] = [
  { usual: buildFseTable(literalCounts, 6), mostLog: 9, mostSymbols: 36 },
  { usual: buildFseTable(offsetCounts, 5), mostLog: 8, mostSymbols: 32 },
  { usual: buildFseTable(matchCounts, 6), mostLog: 9, mostSymbols: 53 },
];

// prettier-ignore
export const literalBits = [...new Array<number>(16).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
// prettier-ignore
export const matchBits = [...new Array<number>(32).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
export const literalBases = basesOf(literalBits, 0);
export const matchBases = basesOf(matchBits, 3);

function basesOf(bits: readonly number[], first: number): number[] {
  let base = first;
  return bits.map((count) => {
    const own = base;
    base += 2 ** count;
    return own;
  });
}

/** What a block has after its literals. @throws Error */
export function readSequences(bytes: Uint8Array, before: SequenceTables): Sequences {
  const first = bytes[0];
  if (first === undefined) throw new Error('a block is cut short');
  if (first === 0) {
    if (bytes.length > 1) throw new Error('bytes follow the end of a block');
    return { count: 0, tables: before, bits: undefined };
  }
  const [, second = 0, third = 0] = bytes;
  const count =
    first < 128 ? first : first < 255 ? (first - 128) * 256 + second : second + third * 256 + 0x7f00;
  let at = first < 128 ? 1 : first < 255 ? 2 : 3;
  const modes = bytes[at++] ?? 0;
  if ((modes & 3) !== 0) throw new Error('a block has flags that are unknown');
  const tables = codes.map(({ usual, ...limits }, index) => {
    const mode = (modes >> (6 - 2 * index)) & 3;
    if (mode === 0) return usual;
    if (mode === 3) return before[index];
    if (mode === 2) {
      const { table, byteLength } = readFseTable(bytes.subarray(at), limits);
      at += byteLength;
      return table;
    }
    const symbol = bytes[at++] ?? limits.mostSymbols;
    if (symbol >= limits.mostSymbols) throw new Error('a block has a code that is unknown');
    return singleSymbol(symbol);
  });
  return { count, tables, bits: new BackwardBits(bytes.subarray(at)) };
}
