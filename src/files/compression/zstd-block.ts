// Decodes the blocks of a frame of Zstandard one after another; later ones refer to earlier ones.
import type { BlockHeader } from './zstd-format.js';
import type { HuffmanTable } from './zstd-huffman.js';
import { readLiterals } from './zstd-literals.js';
import {
  literalBases,
  literalBits,
  matchBases,
  matchBits,
  readSequences,
  type SequenceTables,
  type Sequences,
} from './zstd-sequences.js';

interface Place {
  readonly target: Uint8Array;
  /** Where in `target` the block begins. */
  readonly at: number;
  /** Where it must end, or before. */
  readonly end: number;
}

const offsetBases = Array.from({ length: 32 }, (_, code) => 2 ** code);

// Fewer bytes are copied sooner one by one than by a call.
const manyBytes = 64;

function copyLiterals(from: Uint8Array, start: number, to: Uint8Array, at: number, length: number): void {
  if (length >= manyBytes) to.set(from.subarray(start, start + length), at);
  else for (let n = 0; n < length; n++) to[at + n] = from[start + n]!;
}

/** Byte after byte where the match goes on in its own copy. */
function copyMatch(bytes: Uint8Array, start: number, at: number, length: number): void {
  if (length >= manyBytes && at - start >= length) bytes.copyWithin(at, start, start + length);
  else for (let n = 0; n < length; n++) bytes[at + n] = bytes[start + n]!;
}

export class ZstdBlocks {
  #codes: HuffmanTable | undefined;
  #tables: SequenceTables = [];
  /** The last three, the latest first. */
  readonly #offsets: [number, number, number] = [1, 4, 8];

  /** Where the block ends in `target`. @throws Error if it is damaged or leaves its place */
  decode({ type, size }: Pick<BlockHeader, 'type' | 'size'>, bytes: Uint8Array, place: Place): number {
    const { target, at, end } = place;
    if (type === 'compressed') return this.#decompress(bytes, place);
    if (size > end - at) throw new Error('a block is longer than announced');
    if (type === 'raw') target.set(bytes, at);
    else target.fill(bytes[0]!, at, at + size);
    return at + size;
  }

  #decompress(block: Uint8Array, place: Place): number {
    const { target, at, end } = place;
    const literals = readLiterals(block, this.#codes, end - at);
    this.#codes = literals.table;
    const sequences = readSequences(block.subarray(literals.byteLength), this.#tables);
    this.#tables = sequences.tables;
    const { done, used } = this.#run(sequences, literals.bytes, place);
    const rest = literals.bytes.subarray(used);
    if (rest.length > end - done) throw new Error('a block is longer than announced');
    target.set(rest, done);
    return done + rest.length;
  }

  #run({ count, tables, bits }: Sequences, literals: Uint8Array, { target, at, end }: Place) {
    let [done, used] = [at, 0];
    if (bits === undefined) return { done, used };
    const [lengths, offsets, matches] = tables;
    if (lengths === undefined || offsets === undefined || matches === undefined) {
      throw new Error('a block refers to a table that was not given');
    }
    let lengthState = bits.read(lengths.log);
    let offsetState = bits.read(offsets.log);
    let matchState = bits.read(matches.log);
    for (let index = 0; index < count; index++) {
      const offsetCode = offsets.symbols[offsetState]!;
      const matchCode = matches.symbols[matchState]!;
      const lengthCode = lengths.symbols[lengthState]!;
      const offsetValue = offsetBases[offsetCode]! + bits.read(offsetCode);
      const matchLength = matchBases[matchCode]! + bits.read(matchBits[matchCode]!);
      const literalLength = literalBases[lengthCode]! + bits.read(literalBits[lengthCode]!);
      if (index + 1 < count) {
        lengthState = lengths.bases[lengthState]! + bits.read(lengths.bitCounts[lengthState]!);
        matchState = matches.bases[matchState]! + bits.read(matches.bitCounts[matchState]!);
        offsetState = offsets.bases[offsetState]! + bits.read(offsets.bitCounts[offsetState]!);
      }
      if (used + literalLength > literals.length) throw new Error('a block has too few literals');
      if (bits.left < 0) throw new Error('a stream of sequences is cut short');
      if (literalLength + matchLength > end - done) throw new Error('a block is longer than announced');
      copyLiterals(literals, used, target, done, literalLength);
      used += literalLength;
      done += literalLength;
      const offset = this.#resolveOffset(offsetValue, literalLength);
      if (offset < 1 || offset > done) throw new Error('a match begins in front of the data');
      copyMatch(target, done - offset, done, matchLength);
      done += matchLength;
    }
    if (bits.left !== 0) throw new Error('a stream of sequences has another length');
    return { done, used };
  }

  /** Small values stand for offsets of before. */
  #resolveOffset(value: number, literalLength: number): number {
    const offsets = this.#offsets;
    const [latest, second, third] = offsets;
    const index = value > 3 ? 3 : value - 1 + (literalLength === 0 ? 1 : 0);
    if (index === 0) return latest;
    const offset = value > 3 ? value - 3 : index === 1 ? second : index === 2 ? third : latest - 1;
    if (index > 1) offsets[2] = second;
    offsets[1] = latest;
    offsets[0] = offset;
    return offset;
  }
}
