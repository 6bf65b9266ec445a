// Damage that any format may suffer: numbers in the place of others, bits that flip, parts that are gone or come twice.
import type { Draw } from '../draw.js';

/** Near the ends of what 8, 16 and 32 bits hold, and of what is counted in. */
const numbers = [
  0, 1, 2, 3, 4, 7, 9, 16, 17, 127, 128, 255, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
];

/** One number of 8, 16, 32 or 64 bits, little-endian, in the place of another, or one more than it was. */
export function damageNumber(bytes: Uint8Array, draw: Draw): Buffer {
  const copy = Buffer.from(bytes);
  const width = 2 ** draw.below(4);
  if (copy.length < width) return copy;
  const at = draw.below(copy.length - width + 1);
  if (width === 8) {
    const number = BigInt(draw.pick(numbers)) << BigInt(8 * draw.below(5));
    copy.writeBigInt64LE(number & 0x7fffffffffffffffn, at);
  } else {
    const number = draw.isLucky(0.5) ? draw.pick(numbers) : copy.readUIntLE(at, width) + 1;
    copy.writeUIntLE(number % 256 ** width, at, width);
  }
  return copy;
}

export function flipBit(bytes: Uint8Array, draw: Draw): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[draw.below(copy.length)]! ^= 1 << draw.below(8);
  return copy;
}

/** The end is gone, or something in the midst is gone or comes twice. */
export function movePart(bytes: Uint8Array, draw: Draw): Buffer {
  const copy = Buffer.from(bytes);
  const [begin, end] = [draw.below(copy.length + 1), draw.below(copy.length + 1)].sort((a, b) => a - b) as [
    number,
    number,
  ];
  if (draw.isLucky(0.4)) return copy.subarray(0, begin);
  const rest = copy.subarray(draw.isLucky(0.5) ? end : Math.max(begin - 16, 0));
  return Buffer.concat([copy.subarray(0, begin), rest]);
}

export function damageBytes(bytes: Uint8Array, draw: Draw): Buffer {
  return draw.pick([damageNumber, damageNumber, flipBit, movePart])(bytes, draw);
}
