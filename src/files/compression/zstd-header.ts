// The header of a frame of Zstandard, checked before memory is had for what it says.
import { invalidFile } from '../../core/errors.js';

export interface FrameHeader {
  /** As they stand in the file. */
  readonly bytes: Uint8Array;
  readonly hasChecksum: boolean;
  /** Bytes of what is compressed, if it says so. */
  readonly contentLength: bigint | undefined;
  readonly mostBlockBytes: number;
}

const magic = 0xfd2fb528;
const skippedMagic = 0x184d2a5;
const longestBlock = 2 ** 17;
/** What the command-line tool refuses too, unless it is asked to have more memory. */
const widestWindow = 2 ** 27;

/** Whether the four bytes begin a frame of something else, which is to be passed over. */
export function isSkipped(start: Uint8Array): boolean {
  return Buffer.from(start).readUInt32LE() >>> 4 === skippedMagic;
}

/**
 * @param start the first four bytes
 * @throws INVALID_FILE naming `data`
 */
export async function readFrameHeader(
  path: string,
  start: Uint8Array,
  take: (count: number) => Promise<Uint8Array>,
): Promise<FrameHeader> {
  const found = Buffer.from(start).readUInt32LE();
  if (found !== magic) throw invalidFile(path, 'a Zstandard stream', 'data', `0x${found.toString(16)}`);
  const [flags = 0] = await take(1);
  const isSingleSegment = (flags & 0x20) !== 0;
  const lengthBits = flags >> 6;
  const lengthBytes = lengthBits === 0 ? (isSingleSegment ? 1 : 0) : 2 ** lengthBits;
  if ((flags & 8) !== 0) throw invalidFile(path, 'flags that are known', 'data', flags);
  if ((flags & 3) !== 0) throw invalidFile(path, 'a frame without dictionary', 'data', flags);
  const rest = Buffer.from(await take((isSingleSegment ? 0 : 1) + lengthBytes));
  const contentLength = lengthBytes === 0 ? undefined : readLength(rest.subarray(-lengthBytes));
  const windowBytes = isSingleSegment ? Number(contentLength) : windowOf(rest[0]!);
  if (windowBytes > widestWindow) {
    throw invalidFile(path, `a window of at most ${widestWindow} bytes`, 'data', windowBytes);
  }
  return {
    bytes: Buffer.concat([start, Uint8Array.of(flags), rest]),
    hasChecksum: (flags & 4) !== 0,
    contentLength,
    mostBlockBytes: Math.min(longestBlock, windowBytes),
  };
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function readLength(bytes: Buffer): bigint {
  switch (bytes.length) {
    case 1:
      return BigInt(bytes[0]!);
    case 2:
      return BigInt(bytes.readUInt16LE() + 256);
    case 4:
      return BigInt(bytes.readUInt32LE());
    default:
      return bytes.readBigUInt64LE();
  }
}
