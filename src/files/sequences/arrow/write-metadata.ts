// Writes the metadata of the messages and the footer that the encoder needs, byte for byte as the reference
// implementation in JavaScript does. Slots and numbers of types are those of Arrow's Schema.fbs, Message.fbs and File.fbs.
import { Builder } from 'flatbuffers';
import type { OutputOutline } from '../sequences.js';
import { namesColumn, rowsColumn } from './columns.js';

export type SchemaOutline = Pick<OutputOutline, 'modelDim' | 'isPooled' | 'metadata'> & {
  readonly dtype: 'f32' | 'f16';
};

/** Two numbers of 64 bits: a node's length and nulls, or a buffer's offset and length. */
export type Pair = readonly [number, number];

export interface WrittenBlock {
  readonly offset: number;
  readonly metadataBytes: number;
  readonly bodyLength: number;
}

interface WrittenField {
  readonly name: string;
  readonly isNullable: boolean;
  readonly typeNumber: number;
  readonly writeType: (builder: Builder) => number;
  readonly children: readonly WrittenField[];
}

const version5 = 4;
const headerNumbers = { schema: 1, records: 3 } as const;
const precisions = { f16: 0, f32: 1 } as const;

/** `id` Utf8, and `x` List<FixedSizeList<float>>, or FixedSizeList<float> if pooled. Only names may be null. */
export function writeSchemaMessage(outline: SchemaOutline): Uint8Array {
  const builder = new Builder();
  return finishMessage(builder, { type: 'schema', header: addSchema(builder, outline), bodyLength: 0 });
}

export function writeRecordsMessage(
  { rows, nodes, buffers }: { rows: number; nodes: readonly Pair[]; buffers: readonly Pair[] },
  bodyLength: number,
): Uint8Array {
  const builder = new Builder();
  const nodesAt = addPairs(builder, nodes);
  const buffersAt = addPairs(builder, buffers);
  builder.startObject(5);
  builder.addFieldInt64(0, BigInt(rows), 0n);
  builder.addFieldOffset(1, nodesAt, 0);
  builder.addFieldOffset(2, buffersAt, 0);
  return finishMessage(builder, { type: 'records', header: builder.endObject(), bodyLength });
}

export function writeFooter(outline: SchemaOutline, blocks: readonly WrittenBlock[]): Uint8Array {
  const builder = new Builder();
  const schema = addSchema(builder, outline);
  const records = addBlocks(builder, blocks);
  const dictionaries = addBlocks(builder, []);
  builder.startObject(5);
  builder.addFieldOffset(1, schema, 0);
  builder.addFieldInt16(0, version5, 0);
  builder.addFieldOffset(3, records, 0);
  builder.addFieldOffset(2, dictionaries, 0);
  builder.finish(builder.endObject());
  return builder.asUint8Array();
}

function finishMessage(
  builder: Builder,
  { type, header, bodyLength }: { type: keyof typeof headerNumbers; header: number; bodyLength: number },
): Uint8Array {
  builder.startObject(5);
  builder.addFieldInt16(0, version5, 0);
  builder.addFieldOffset(2, header, 0);
  builder.addFieldInt8(1, headerNumbers[type], 0);
  builder.addFieldInt64(3, BigInt(bodyLength), 0n);
  builder.finish(builder.endObject());
  return builder.asUint8Array();
}

function addSchema(builder: Builder, { modelDim, dtype, isPooled, metadata }: SchemaOutline): number {
  const numbers = fieldOf('item', 3, (b) => {
    b.startObject(1);
    b.addFieldInt16(0, precisions[dtype], 0);
    return b.endObject();
  });
  const addListSize = (b: Builder): number => {
    b.startObject(1);
    b.addFieldInt32(0, modelDim, 0);
    return b.endObject();
  };
  const row = fieldOf(isPooled ? rowsColumn : 'item', 16, addListSize, [numbers]);
  const rows = isPooled ? row : fieldOf(rowsColumn, 12, addEmpty, [row]);
  const names = { ...fieldOf(namesColumn, 5, addEmpty), isNullable: true };
  const fields = addOffsets(builder, [names, rows].map((field) => addField(builder, field))); // prettier-ignore
  const pairs = [...metadata].map(([key, value]) => addPair(builder, key, value));
  const pairsAt = pairs.length === 0 ? 0 : addOffsets(builder, pairs);
  builder.startObject(4);
  builder.addFieldOffset(1, fields, 0);
  builder.addFieldOffset(2, pairsAt, 0);
  return builder.endObject();
}

function fieldOf(
  name: string,
  typeNumber: number,
  writeType: WrittenField['writeType'],
  children: readonly WrittenField[] = [],
): WrittenField {
  return { name, isNullable: false, typeNumber, writeType, children };
}

/** A table without fields, such as the types that have no parameters. */
function addEmpty(builder: Builder): number {
  builder.startObject(0);
  return builder.endObject();
}

function addField(builder: Builder, field: WrittenField): number {
  const type = field.writeType(builder);
  const children = addOffsets(builder, field.children.map((child) => addField(builder, child))); // prettier-ignore
  const name = builder.createString(field.name);
  builder.startObject(7);
  builder.addFieldOffset(3, type, 0);
  builder.addFieldInt8(2, field.typeNumber, 0);
  builder.addFieldOffset(5, children, 0);
  builder.addFieldInt8(1, Number(field.isNullable), 0);
  builder.addFieldOffset(0, name, 0);
  return builder.endObject();
}

function addPair(builder: Builder, key: string, value: string): number {
  const keyAt = builder.createString(key);
  const valueAt = builder.createString(value);
  builder.startObject(2);
  builder.addFieldOffset(0, keyAt, 0);
  builder.addFieldOffset(1, valueAt, 0);
  return builder.endObject();
}

// Vectors are built from their ends.

function addOffsets(builder: Builder, offsets: readonly number[]): number {
  builder.startVector(4, offsets.length, 4);
  for (const offset of offsets.toReversed()) builder.addOffset(offset);
  return builder.endVector();
}

function addPairs(builder: Builder, pairs: readonly Pair[]): number {
  builder.startVector(16, pairs.length, 8);
  for (const [first, second] of pairs.toReversed()) {
    builder.prep(8, 16);
    builder.writeInt64(BigInt(second));
    builder.writeInt64(BigInt(first));
  }
  return builder.endVector();
}

function addBlocks(builder: Builder, blocks: readonly WrittenBlock[]): number {
  builder.startVector(24, blocks.length, 8);
  for (const { offset, metadataBytes, bodyLength } of blocks.toReversed()) {
    builder.prep(8, 24);
    builder.writeInt64(BigInt(bodyLength));
    builder.pad(4);
    builder.writeInt32(metadataBytes);
    builder.writeInt64(BigInt(offset));
  }
  return builder.endVector();
}
