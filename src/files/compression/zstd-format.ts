// What frames of Zstandard are made of, for whoever has all of one and for whoever reads it part by part.
// Format: https://github.com/facebook/zstd/blob/dev/doc/zstd_compression_format.md

export const zstdMagic = 0xfd2fb528;
/** Of a block, before and after it is decoded. */
export const longestBlock = 2 ** 17;
/** In front of each block. */
export const blockHeaderBytes = 3;

const blockTypes = ['raw', 'repeated', 'compressed'] as const;

/** What the first byte after the magic number says of the rest of a header. */
export interface HeaderFlags {
  readonly hasUnknown: boolean;
  readonly hasDictionary: boolean;
  readonly hasChecksum: boolean;
  /** Whether the window is all of the content, so that nothing else tells it. */
  readonly isSingleSegment: boolean;
  /** Of the number that tells the length of the content; 0 where none does. */
  readonly lengthBytes: number;
}

export function readFlags(flags: number): HeaderFlags {
  const isSingleSegment = (flags & 0x20) !== 0;
  return {
    hasUnknown: (flags & 8) !== 0,
    hasDictionary: (flags & 3) !== 0,
    hasChecksum: (flags & 4) !== 0,
    isSingleSegment,
    lengthBytes: [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6]!,
  };
}

/** The length of the content, from the `lengthBytes` that tell it. */
export function readLength(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (bytes.length) {
    case 0:
      return undefined;
    case 1:
      return view.getUint8(0);
    case 2:
      return view.getUint16(0, true) + 256;
    case 4:
      return view.getUint32(0, true);
    default:
      return Number(view.getBigUint64(0, true));
  }
}

export interface BlockHeader {
  readonly isLast: boolean;
  /** undefined where there is none of that number. */
  readonly type: (typeof blockTypes)[number] | undefined;
  /** What it becomes, or what it takes where it is compressed. */
  readonly size: number;
  /** What stands in the frame after the header. */
  readonly byteLength: number;
}

/** @param bytes `blockHeaderBytes` of them */
export function readBlockHeader([low = 0, middle = 0, high = 0]: Uint8Array): BlockHeader {
  const bits = low | (middle << 8) | (high << 16);
  const type = blockTypes[(bits >> 1) & 3];
  const size = bits >> 3;
  return { isLast: (bits & 1) === 1, type, size, byteLength: type === 'repeated' ? 1 : size };
}
