// Decodes one block of LZ4: literals and matches by turns.
// Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md

interface Place {
  readonly target: Uint8Array;
  /** Where in `target` the block begins. */
  readonly at: number;
  /** Where it must end, or before. */
  readonly end: number;
  /** In front of this no match may begin. */
  readonly least: number;
}

/** A length of four bits that is this one goes on. */
const longNibble = 15;
const shortestMatch = 4;

/** Where the block ends in `target`. @throws Error if it is damaged or leaves its place */
export function decodeLz4Block(block: Uint8Array, { target, at, end, least }: Place): number {
  let from = 0;
  const take = (): number => {
    const byte = block[from++];
    if (byte === undefined) throw new Error('a block is cut short');
    return byte;
  };
  const takeLength = (nibble: number): number => {
    if (nibble < longNibble) return nibble;
    let length = nibble;
    for (let byte = 255; byte === 255;) length += byte = take();
    return length;
  };
  for (;;) {
    const token = take();
    const literals = takeLength(token >> 4);
    if (from + literals > block.length) throw new Error('a block is cut short');
    if (literals > end - at) throw new Error('a block is longer than announced');
    target.set(block.subarray(from, from + literals), at);
    from += literals;
    at += literals;
    if (from === block.length) return at;
    const offset = take() | (take() << 8);
    const length = takeLength(token & longNibble) + shortestMatch;
    if (offset === 0 || at - offset < least) throw new Error('a match begins in front of the data');
    if (length > end - at) throw new Error('a block is longer than announced');
    if (offset >= length) target.copyWithin(at, at - offset, at - offset + length);
    else for (let index = at; index < at + length; index++) target[index] = target[index - offset]!;
    at += length;
  }
}
