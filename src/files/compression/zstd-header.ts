// The header of a frame of Zstandard, checked before memory is had for what it says.
import { invalidFile } from '../../core/errors.js';
import { longestBlock, readFlags, readLength, zstdMagic } from './zstd-format.js';

export interface FrameHeader {
  readonly hasChecksum: boolean;
  /** Bytes of what is compressed, if it says so. */
  readonly contentLength: number | undefined;
  /** How far back a block may refer. */
  readonly windowBytes: number;
  readonly mostBlockBytes: number;
}

const skippedMagic = 0x184d2a5;
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
  if (found !== zstdMagic) throw invalidFile(path, 'a Zstandard stream', 'data', `0x${found.toString(16)}`);
  const [flags = 0] = await take(1);
  const { hasUnknown, hasDictionary, hasChecksum, isSingleSegment, lengthBytes } = readFlags(flags);
  if (hasUnknown) throw invalidFile(path, 'flags that are known', 'data', flags);
  if (hasDictionary) throw invalidFile(path, 'a frame without dictionary', 'data', flags);
  const windowDescriptor = isSingleSegment ? undefined : (await take(1))[0]!;
  const contentLength = readLength(await take(lengthBytes));
  const windowBytes = windowDescriptor === undefined ? contentLength! : windowOf(windowDescriptor);
  if (windowBytes > widestWindow) {
    throw invalidFile(path, `a window of at most ${widestWindow} bytes`, 'data', windowBytes);
  }
  return { hasChecksum, contentLength, windowBytes, mostBlockBytes: Math.min(longestBlock, windowBytes) };
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}
