// Writers of compressed frames for tests: plain ones, whose every part the test can choose.
import { xxHash32 } from '../../src/files/compression/xxh32.js';

export interface Lz4Options {
  readonly blockBytes?: number;
  readonly areIndependent?: boolean;
  readonly hasBlockChecksums?: boolean;
  readonly hasContentChecksum?: boolean;
  readonly hasContentLength?: boolean;
  readonly areCompressed?: boolean;
}

const word = (number: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
};

/** A length of LZ4 in bytes after its four bits. */
const rest = (length: number): number[] =>
  length < 15 ? [] : [...new Array<number>(Math.floor((length - 15) / 255)).fill(255), (length - 15) % 255];

const lz4Sequence = (literals: Uint8Array, match?: { offset: number; length: number }): Buffer => {
  const matchLength = match === undefined ? 0 : match.length - 4;
  const token = (Math.min(15, literals.length) << 4) | Math.min(15, matchLength);
  const offset = match === undefined ? [] : [match.offset & 255, match.offset >> 8, ...rest(matchLength)];
  return Buffer.concat([Buffer.from([token, ...rest(literals.length)]), literals, Buffer.from(offset)]);
};

/** Matches with the nearest same four bytes, `least` or after. */
function lz4Block(
  bytes: Uint8Array,
  { begin, end, least }: { begin: number; end: number; least: number },
): Buffer {
  const parts: Buffer[] = [];
  const seen = new Map<string, number>();
  const keyAt = (at: number) => bytes.subarray(at, at + 4).join();
  for (let at = least; at < begin; at++) seen.set(keyAt(at), at);
  let literal = begin;
  for (let at = begin; at + 4 <= end;) {
    const found = seen.get(keyAt(at));
    seen.set(keyAt(at), at);
    if (found === undefined || at - found > 65_535) {
      at++;
      continue;
    }
    let length = 4;
    while (at + length < end && bytes[found + length] === bytes[at + length]) length++;
    parts.push(lz4Sequence(bytes.subarray(literal, at), { offset: at - found, length }));
    at += length;
    literal = at;
  }
  return Buffer.concat([...parts, lz4Sequence(bytes.subarray(literal, end))]);
}

export function lz4Frame(bytes: Uint8Array, options: Lz4Options = {}): Buffer {
  const { blockBytes = 2 ** 16, areIndependent = true, areCompressed = true } = options;
  const { hasBlockChecksums = false, hasContentChecksum = false, hasContentLength = false } = options;
  const flags =
    0x40 |
    (areIndependent ? 0x20 : 0) |
    (hasBlockChecksums ? 0x10 : 0) |
    (hasContentLength ? 8 : 0) |
    (hasContentChecksum ? 4 : 0);
  const length = Buffer.alloc(hasContentLength ? 8 : 0);
  if (hasContentLength) length.writeBigUInt64LE(BigInt(bytes.length));
  const descriptor = Buffer.concat([Buffer.from([flags, 0x40]), length]);
  const parts: Uint8Array[] = [
    word(0x184d2204),
    descriptor,
    Buffer.from([(xxHash32(descriptor) >> 8) & 255]),
  ];
  for (let begin = 0; begin < bytes.length; begin += blockBytes) {
    const end = Math.min(bytes.length, begin + blockBytes);
    const block = areCompressed
      ? lz4Block(bytes, { begin, end, least: areIndependent ? begin : 0 })
      : bytes.subarray(begin, end);
    parts.push(word(block.length + (areCompressed ? 0 : 0x80000000)), block);
    if (hasBlockChecksums) parts.push(word(xxHash32(block)));
  }
  parts.push(word(0));
  if (hasContentChecksum) parts.push(word(xxHash32(bytes)));
  return Buffer.concat(parts);
}

/** Blocks of `blockBytes`, those of one byte over and over as that. */
export function zstdFrame(bytes: Uint8Array, blockBytes = 2 ** 17): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  const parts: Uint8Array[] = [word(0xfd2fb528), Buffer.from([0xe0]), length];
  for (let begin = 0; begin === 0 || begin < bytes.length; begin += blockBytes) {
    const block = bytes.subarray(begin, begin + blockBytes);
    const isLast = begin + blockBytes >= bytes.length ? 1 : 0;
    const isRepeated = block.length > 0 && block.every((byte) => byte === block[0]);
    const header = isLast | (isRepeated ? 2 : 0) | (block.length << 3);
    parts.push(word(header).subarray(0, 3), isRepeated ? block.subarray(0, 1) : block);
  }
  return Buffer.concat(parts);
}
