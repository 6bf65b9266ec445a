// The messages that the encoder writes, with their frames and bodies: one record batch a sequence.
import { writeRecordsMessage, type Pair } from './write-metadata.js';

/** All that the size of a batch depends on. */
export interface BatchShape {
  readonly tokens: number;
  /** In UTF-8. */
  readonly name: Uint8Array | null;
  /** tokens x modelDim. */
  readonly numbers: number;
  readonly dataBytes: number;
}

const alignment = 8;
const prefixBytes = 8;

/** A message's metadata after its length, padded. */
export function frameMessage(metadata: Uint8Array): Uint8Array {
  const length = align(metadata.byteLength);
  const bytes = Buffer.alloc(prefixBytes + length);
  bytes.writeUInt32LE(0xffffffff, 0);
  bytes.writeInt32LE(length, 4);
  bytes.set(metadata, prefixBytes);
  return bytes;
}

/** The lengths of the buffers of a batch in order, without their padding. */
function buffersOf({ name, dataBytes }: BatchShape, isPooled: boolean): number[] {
  // A bitmap is left out where everything is there; both kinds of offsets are two numbers of 32 bits.
  const names = [name === null ? 1 : 0, 8, name?.byteLength ?? 0];
  return [...names, ...(isPooled ? [] : [0, 8]), 0, 0, dataBytes];
}

/** The bytes of a batch's body, padding included. */
export function bodyLengthOf(shape: BatchShape, isPooled: boolean): number {
  return buffersOf(shape, isPooled).reduce((sum, length) => sum + align(length), 0);
}

/** All of a batch in front of its numbers, and the lengths of its two parts. */
export function frameBatch(shape: BatchShape, isPooled: boolean) {
  const { tokens, name, numbers, dataBytes } = shape;
  let bodyLength = 0;
  const buffers = buffersOf(shape, isPooled).map((length): Pair => {
    const offset = bodyLength;
    bodyLength += align(length);
    return [offset, length];
  });
  const nodes: Pair[] = [[1, name === null ? 1 : 0], ...(isPooled ? [] : [[1, 0] as const]), [tokens, 0], [numbers, 0]]; // prettier-ignore
  const metadata = frameMessage(writeRecordsMessage({ rows: 1, nodes, buffers }, bodyLength));

  const head = Buffer.alloc(metadata.byteLength + bodyLength - align(dataBytes));
  head.set(metadata);
  const [, idOffsets, idTexts, , listOffsets] = buffers.map(([offset]) => metadata.byteLength + offset);
  head.writeInt32LE(name?.byteLength ?? 0, idOffsets! + 4);
  head.set(name ?? [], idTexts);
  if (!isPooled) head.writeInt32LE(tokens, listOffsets! + 4);
  return { head, metadataBytes: metadata.byteLength, bodyLength };
}

function align(length: number): number {
  return Math.ceil(length / alignment) * alignment;
}
