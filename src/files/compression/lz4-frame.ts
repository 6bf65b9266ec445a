// Decodes one LZ4 frame into memory of known length, and nothing beyond it.
// Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
import type { Steps } from '../../core/steps.js';
import { decodeLz4Block } from './lz4-block.js';
import { xxHash32 } from './xxh32.js';

const magic = 0x184d2204;
/** By the number that a frame gives: 64 KiB, 256 KiB, 1 MiB, 4 MiB. */
const mostBlockBytes = [undefined, undefined, undefined, undefined, 2 ** 16, 2 ** 18, 2 ** 20, 2 ** 22];
/** What a byte of a compressed block stands for at most. */
const mostExpansion = 255;
const uncompressedFlag = 0x80000000;

interface FrameHeader {
  readonly areIndependent: boolean;
  readonly hasBlockChecksums: boolean;
  readonly hasContentChecksum: boolean;
  readonly contentLength: number | undefined;
  readonly mostBlockBytes: number;
  readonly byteLength: number;
}

interface Block {
  readonly bytes: Uint8Array;
  readonly isCompressed: boolean;
}

/** The most bytes that `frame` can become, without decoding it. @throws Error if it is no whole frame */
export function boundLz4Frame(frame: Uint8Array): number {
  const header = readHeader(frame);
  let bound = 0;
  for (const { bytes, isCompressed } of blocksOf(frame, header)) {
    bound += isCompressed ? Math.min(header.mostBlockBytes, bytes.length * mostExpansion) : bytes.length;
  }
  return bound;
}

/** Fills `target`. @throws Error if the frame is damaged or holds another number of bytes */
export function* decodeLz4Frame(frame: Uint8Array, target: Uint8Array): Steps<void> {
  const header = readHeader(frame);
  if (header.contentLength !== undefined && header.contentLength !== target.length) {
    throw new Error(`its header says ${header.contentLength} bytes instead of ${target.length}`);
  }
  let at = 0;
  for (const { bytes, isCompressed } of blocksOf(frame, header)) {
    const end = Math.min(target.length, at + header.mostBlockBytes);
    if (isCompressed) {
      at = decodeLz4Block(bytes, { target, at, end, least: header.areIndependent ? at : 0 });
    } else {
      if (bytes.length > end - at) throw new Error('a block is longer than allowed');
      target.set(bytes, at);
      at += bytes.length;
    }
    yield;
  }
  if (at !== target.length) throw new Error(`it ends after ${at} bytes instead of ${target.length}`);
  if (header.hasContentChecksum) checkHash(frame, frame.length - 4, target);
}

function readHeader(frame: Uint8Array): FrameHeader {
  const view = viewOf(frame);
  if (frame.length < 7 || view.getUint32(0, true) !== magic) throw new Error('it is no LZ4 frame');
  const flags = frame[4]!;
  const blockFlags = frame[5]!;
  const hasContentLength = (flags & 8) !== 0;
  const most = mostBlockBytes[(blockFlags >> 4) & 7];
  if (flags >> 6 !== 1 || (flags & 3) !== 0 || (blockFlags & 0x8f) !== 0 || most === undefined) {
    throw new Error('its header has flags that are unknown, or names a dictionary');
  }
  const checkedBytes = hasContentLength ? 10 : 2;
  const byteLength = 4 + checkedBytes + 1;
  if (frame.length < byteLength) throw new Error('its header is cut short');
  const hash = (xxHash32(frame.subarray(4, 4 + checkedBytes)) >> 8) & 0xff;
  if (frame[byteLength - 1] !== hash) throw new Error('the checksum of its header is wrong');
  return {
    areIndependent: (flags & 0x20) !== 0,
    hasBlockChecksums: (flags & 0x10) !== 0,
    hasContentChecksum: (flags & 4) !== 0,
    contentLength: hasContentLength ? Number(view.getBigUint64(6, true)) : undefined,
    mostBlockBytes: most,
    byteLength,
  };
}

function* blocksOf(frame: Uint8Array, header: FrameHeader): Generator<Block, void> {
  const view = viewOf(frame);
  const end = frame.length - (header.hasContentChecksum ? 4 : 0);
  let at = header.byteLength;
  for (;;) {
    if (at + 4 > end) throw new Error('it is cut short');
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) break;
    const length = word % uncompressedFlag;
    const after = at + length + (header.hasBlockChecksums ? 4 : 0);
    if (length > header.mostBlockBytes) throw new Error('a block is longer than allowed');
    if (after > end) throw new Error('it is cut short');
    const bytes = frame.subarray(at, at + length);
    if (header.hasBlockChecksums) checkHash(frame, at + length, bytes);
    yield { bytes, isCompressed: word < uncompressedFlag };
    at = after;
  }
  if (at !== end) throw new Error('bytes follow its end');
}

function checkHash(frame: Uint8Array, at: number, bytes: Uint8Array): void {
  if (viewOf(frame).getUint32(at, true) !== xxHash32(bytes)) throw new Error('a checksum is wrong');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
