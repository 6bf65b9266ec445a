// The messages that the encoder writes: the schema, and one record batch a sequence. Their metadata are made by the
// package, their bodies here, because the package would copy the rows.
import type { Schema } from 'apache-arrow';
import type { OutputOutline } from '../sequences.js';
import { namesColumn, rowsColumn } from './columns.js';
import type { ArrowPackage } from './load-arrow.js';

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

/** `id` Utf8, and `x` List<FixedSizeList<float>>, or FixedSizeList<float> if pooled. Only names may be null. */
export function createSchema(
  { arrow }: ArrowPackage,
  { modelDim, dtype, isPooled, metadata }: Omit<OutputOutline, 'dtype'> & { readonly dtype: 'f32' | 'f16' },
): Schema {
  const { Field, FixedSizeList, Float16, Float32, List, Schema, Utf8 } = arrow;
  const row = new FixedSizeList(
    modelDim,
    new Field('item', dtype === 'f32' ? new Float32() : new Float16(), false),
  );
  const rows = isPooled ? row : new List(new Field('item', row, false));
  const fields = [new Field(namesColumn, new Utf8(), true), new Field(rowsColumn, rows, false)];
  return new Schema(fields, new Map(metadata));
}

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
export function frameBatch(pkg: ArrowPackage, shape: BatchShape, isPooled: boolean) {
  const { BufferRegion, FieldNode, RecordBatch } = pkg.message;
  const { tokens, name, numbers, dataBytes } = shape;
  let bodyLength = 0;
  const regions = buffersOf(shape, isPooled).map((length) => {
    const region = new BufferRegion(bodyLength, length);
    bodyLength += align(length);
    return region;
  });
  const nodes = [
    new FieldNode(1, name === null ? 1 : 0),
    ...(isPooled ? [] : [new FieldNode(1, 0)]),
    new FieldNode(tokens, 0),
    new FieldNode(numbers, 0),
  ];
  const { Message } = pkg.arrow;
  const message = Message.from(new RecordBatch(1, nodes, regions, null), bodyLength);
  const metadata = frameMessage(Message.encode(message));

  const head = Buffer.alloc(metadata.byteLength + bodyLength - align(dataBytes));
  head.set(metadata);
  const [, idOffsets, idTexts, , listOffsets] = regions.map(({ offset }) => metadata.byteLength + offset);
  head.writeInt32LE(name?.byteLength ?? 0, idOffsets! + 4);
  head.set(name ?? [], idTexts);
  if (!isPooled) head.writeInt32LE(tokens, listOffsets! + 4);
  return { head, metadataBytes: metadata.byteLength, bodyLength };
}

function align(length: number): number {
  return Math.ceil(length / alignment) * alignment;
}
