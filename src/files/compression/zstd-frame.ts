// Decodes one frame of Zstandard into memory of known length, and nothing beyond it.
import type { Steps } from '../../core/steps.js';
import { XxHash64 } from './xxh64.js';
import { ZstdBlocks } from './zstd-block.js';
import {
  blockHeaderBytes,
  longestBlock,
  readBlockHeader,
  readFlags,
  readLength,
  zstdMagic,
  type BlockHeader,
} from './zstd-format.js';

interface FrameHeader {
  readonly hasChecksum: boolean;
  readonly contentLength: number | undefined;
  readonly byteLength: number;
}

interface Block extends Pick<BlockHeader, 'type' | 'size'> {
  readonly bytes: Uint8Array;
}

/** The most bytes that `frame` can become, without decoding it. @throws Error if it is no whole frame */
export function boundZstdFrame(frame: Uint8Array): number {
  let bound = 0;
  for (const { type, size } of blocksOf(frame, readHeader(frame))) {
    bound += type === 'compressed' ? longestBlock : size;
  }
  return bound;
}

/** Fills `target`. @throws Error if the frame is damaged or holds another number of bytes */
export function* decodeZstdFrame(frame: Uint8Array, target: Uint8Array): Steps<void> {
  const header = readHeader(frame);
  if (header.contentLength !== undefined && header.contentLength !== target.length) {
    throw new Error(`its header says ${header.contentLength} bytes instead of ${target.length}`);
  }
  const blocks = new ZstdBlocks();
  const hash = new XxHash64();
  let at = 0;
  for (const { bytes, ...block } of blocksOf(frame, header)) {
    const begin = at;
    at = blocks.decode(block, bytes, { target, at, end: Math.min(target.length, at + longestBlock) });
    if (header.hasChecksum) hash.add(target.subarray(begin, at));
    yield;
  }
  if (at !== target.length) throw new Error(`it ends after ${at} bytes instead of ${target.length}`);
  if (!header.hasChecksum) return;
  if (viewOf(frame).getUint32(frame.length - 4, true) !== hash.low32())
    throw new Error('a checksum is wrong');
}

function readHeader(frame: Uint8Array): FrameHeader {
  if (frame.length < 6 || viewOf(frame).getUint32(0, true) !== zstdMagic) {
    throw new Error('it is no Zstandard frame');
  }
  const { hasUnknown, hasDictionary, hasChecksum, isSingleSegment, lengthBytes } = readFlags(frame[4]!);
  if (hasUnknown || hasDictionary) {
    throw new Error('its header has flags that are unknown, or names a dictionary');
  }
  const lengthAt = 5 + (isSingleSegment ? 0 : 1);
  const byteLength = lengthAt + lengthBytes;
  if (byteLength > frame.length) throw new Error('it is cut short');
  return { hasChecksum, contentLength: readLength(frame.subarray(lengthAt, byteLength)), byteLength };
}

function* blocksOf(frame: Uint8Array, { byteLength, hasChecksum }: FrameHeader): Generator<Block, void> {
  const end = frame.length - (hasChecksum ? 4 : 0);
  let at = byteLength;
  for (let isAtEnd = false; !isAtEnd;) {
    const first = at + blockHeaderBytes;
    if (first > end) throw new Error('it is cut short');
    const { isLast, type, size, byteLength: length } = readBlockHeader(frame.subarray(at, first));
    if (type === undefined) throw new Error('it has a block of an unknown type');
    if (size > longestBlock) throw new Error('a block is longer than allowed');
    at = first + length;
    if (at > end) throw new Error('it is cut short');
    yield { type, size, bytes: frame.subarray(first, at) };
    isAtEnd = isLast;
  }
  if (at !== end) throw new Error('bytes follow its end');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
