// Bits of Zstandard: most of its streams are read from their end to their beginning.

/** Reads backwards; in front of the beginning there are zeros. */
export class BackwardBits {
  readonly #bytes: Uint8Array;
  /** Bits that are left; below 0 where more were read than there are. */
  left: number;

  /** @throws Error if the last byte has no mark that says where the bits end */
  constructor(bytes: Uint8Array) {
    const last = bytes.at(-1) ?? 0;
    if (last === 0) throw new Error('a stream of bits has no end');
    this.#bytes = bytes;
    this.left = (bytes.length - 1) * 8 + (31 - Math.clz32(last));
  }

  /** The next `count` bits, up to 31. */
  read(count: number): number {
    const bits = this.peek(count);
    this.left -= count;
    return bits;
  }

  peek(count: number): number {
    const from = this.left - count;
    if (from >= 0) return this.#at(from, count);
    return this.left <= 0 ? 0 : this.#at(0, this.left) * 2 ** -from;
  }

  #at(from: number, count: number): number {
    const bytes = this.#bytes;
    const index = from >> 3;
    const shift = from & 7;
    const low = (bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8) | ((bytes[index + 2] ?? 0) << 16);
    if (count + shift <= 24) return (low >> shift) & ((1 << count) - 1);
    const word = low + (bytes[index + 3] ?? 0) * 2 ** 24 + (bytes[index + 4] ?? 0) * 2 ** 32;
    return Math.floor(word / 2 ** shift) % 2 ** count;
  }
}

/** How many bits below its highest one a number has. */
export function floorLog2(number: number): number {
  return 31 - Math.clz32(number);
}
