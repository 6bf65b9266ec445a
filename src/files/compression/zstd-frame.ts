// Decodes one frame of Zstandard into memory of known length, and nothing beyond it. fzstd would do but for what damaged
// frames cost: it neither ends at the length nor at what a block may hold.
// Format: https://github.com/facebook/zstd/blob/dev/doc/zstd_compression_format.md
import { xxHash64 } from './xxhash.js';
import { ZstdBlocks } from './zstd-block.js';

const magic = 0xfd2fb528;
const mostBlockBytes = 2 ** 17;
const blockTypes = ['raw', 'repeated', 'compressed'] as const;

interface FrameHeader {
  readonly hasChecksum: boolean;
  readonly contentLength: number | undefined;
  readonly byteLength: number;
}

interface Block {
  readonly type: (typeof blockTypes)[number];
  /** What it becomes, or what it takes where it is compressed. */
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** The most bytes that `frame` can become, without decoding it. @throws Error if it is no whole frame */
export function boundZstdFrame(frame: Uint8Array): number {
  let bound = 0;
  for (const { type, size } of blocksOf(frame, readHeader(frame))) {
    bound += type === 'compressed' ? mostBlockBytes : size;
  }
  return bound;
}

/** Fills `target`. @throws Error if the frame is damaged or holds another number of bytes */
export function decodeZstdFrame(frame: Uint8Array, target: Uint8Array): void {
  const header = readHeader(frame);
  if (header.contentLength !== undefined && header.contentLength !== target.length) {
    throw new Error(`its header says ${header.contentLength} bytes instead of ${target.length}`);
  }
  const blocks = new ZstdBlocks();
  let at = 0;
  for (const { type, size, bytes } of blocksOf(frame, header)) {
    const end = Math.min(target.length, at + mostBlockBytes);
    if (type === 'compressed') {
      at = blocks.decode(bytes, { target, at, end });
      continue;
    }
    if (size > end - at) throw new Error('a block is longer than announced');
    if (type === 'raw') target.set(bytes, at);
    else target.fill(bytes[0]!, at, at + size);
    at += size;
  }
  if (at !== target.length) throw new Error(`it ends after ${at} bytes instead of ${target.length}`);
  if (!header.hasChecksum) return;
  const checksum = viewOf(frame).getUint32(frame.length - 4, true);
  if (BigInt(checksum) !== BigInt.asUintN(32, xxHash64(target))) throw new Error('a checksum is wrong');
}

function readHeader(frame: Uint8Array): FrameHeader {
  const view = viewOf(frame);
  if (frame.length < 6 || view.getUint32(0, true) !== magic) throw new Error('it is no Zstandard frame');
  const flags = frame[4]!;
  const isSingleSegment = (flags & 0x20) !== 0;
  if ((flags & 0x0b) !== 0) throw new Error('its header has flags that are unknown, or names a dictionary');
  const lengthBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6]!;
  const lengthAt = 5 + (isSingleSegment ? 0 : 1);
  const byteLength = lengthAt + lengthBytes;
  if (byteLength > frame.length) throw new Error('it is cut short');
  return {
    hasChecksum: (flags & 4) !== 0,
    contentLength: readLength(view, lengthAt, lengthBytes),
    byteLength,
  };
}

function readLength(view: DataView, at: number, bytes: number): number | undefined {
  if (bytes === 0) return undefined;
  if (bytes === 1) return view.getUint8(at);
  if (bytes === 2) return view.getUint16(at, true) + 256;
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}

function* blocksOf(frame: Uint8Array, { byteLength, hasChecksum }: FrameHeader): Generator<Block, void> {
  const end = frame.length - (hasChecksum ? 4 : 0);
  let at = byteLength;
  for (let isLast = false; !isLast;) {
    if (at + 3 > end) throw new Error('it is cut short');
    const header = frame[at]! + frame[at + 1]! * 2 ** 8 + frame[at + 2]! * 2 ** 16;
    const type = blockTypes[(header >> 1) & 3];
    const size = header >> 3;
    if (type === undefined) throw new Error('it has a block of an unknown type');
    if (size > mostBlockBytes) throw new Error('a block is longer than allowed');
    const next = at + 3 + (type === 'repeated' ? 1 : size);
    if (next > end) throw new Error('it is cut short');
    yield { type, size, bytes: frame.subarray(at + 3, next) };
    at = next;
    isLast = (header & 1) !== 0;
  }
  if (at !== end) throw new Error('bytes follow its end');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
