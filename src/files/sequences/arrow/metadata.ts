// Reads the metadata of messages and footers. Slots are those of Arrow's Message.fbs and File.fbs.
import { HeadpoolError, invalidFile } from '../../../core/errors.js';
import { FlatTable, type FlatVector } from './flatbuffer.js';
import { readSchema, type Schema } from './schema.js';

/** Where metadata came from, for messages. */
export interface Place {
  readonly path: string;
  /** Such as `message 3`. */
  readonly label: string;
}

export const codecs = ['LZ4_FRAME', 'ZSTD'] as const;
/** How each buffer of a body is compressed by itself. */
export type Codec = (typeof codecs)[number];

export interface RecordBatch {
  readonly length: number;
  /** Structs: a length and how many nulls, of 64 bits each. */
  readonly nodes: FlatVector;
  /** Structs: an offset in the body and a length, of 64 bits each. */
  readonly buffers: FlatVector;
  readonly codec: Codec | undefined;
  /** How many further buffers each column of string views has. */
  readonly viewCounts: FlatVector;
}

export type Header =
  | { readonly kind: 'schema'; readonly schema: Schema }
  | {
      readonly kind: 'dictionary';
      readonly id: bigint;
      readonly isDelta: boolean;
      readonly data: RecordBatch;
    }
  | { readonly kind: 'records'; readonly records: RecordBatch };

export interface Metadata {
  readonly header: Header;
  /** Arrow's MetadataVersion: 3 is V4, which came with release 0.8, 4 is V5. */
  readonly version: number;
  readonly bodyLength: number;
}

export interface Footer {
  readonly schema: Schema;
  /** Structs, see `blockAt`. */
  readonly dictionaries: FlatVector;
  readonly records: FlatVector;
}

/** Where a message of the file format is. */
export interface Block {
  readonly offset: number;
  readonly metadataLength: number;
  readonly bodyLength: number;
}

const oldestVersion = 3;
const blockBytes = 24;
const pairBytes = 16;

/** @throws INVALID_FILE */
export function readMessage(bytes: Uint8Array, place: Place): Metadata {
  const { path, label } = place;
  const message = guard(place, () => FlatTable.root(bytes));
  const [version, bodyLength, header] = guard(place, () => [
    message.int16(0),
    message.int64(3),
    readHeader(message),
  ]);
  if (version < oldestVersion) throw invalidFile(path, 'version V4 or later', `${label}.version`, version);
  if (bodyLength < 0n || bodyLength > Number.MAX_SAFE_INTEGER) {
    throw invalidFile(path, 'a length from 0 to 2^53', `${label}.bodyLength`, bodyLength);
  }
  return { header, version, bodyLength: Number(bodyLength) };
}

function readHeader(message: FlatTable): Header {
  const headerType = message.uint8(1);
  const header = message.table(2);
  if (header === undefined) throw new Error('there is no header');
  if (headerType === 1) return { kind: 'schema', schema: readSchema(header) };
  if (headerType === 3) return { kind: 'records', records: readRecords(header) };
  if (headerType !== 2) throw new Error(`it is a header of the unknown type ${headerType}`);
  const data = header.table(1);
  if (data === undefined) throw new Error('the dictionary has no data');
  return {
    kind: 'dictionary',
    id: header.int64(0),
    isDelta: header.uint8(2) === 1,
    data: readRecords(data),
  };
}

function readRecords(table: FlatTable): RecordBatch {
  return {
    length: Number(table.int64(0)),
    nodes: table.vector(1, pairBytes),
    buffers: table.vector(2, pairBytes),
    codec: readCodec(table.table(3)),
    viewCounts: table.vector(4, 8),
  };
}

function readCodec(table: FlatTable | undefined): Codec | undefined {
  if (table === undefined) return undefined;
  const codec = codecs[table.uint8(0)];
  if (codec === undefined) throw new Error(`its body is compressed by the unknown method ${table.uint8(0)}`);
  if (table.uint8(1) !== 0) throw new Error('its body is not compressed buffer by buffer');
  return codec;
}

/** @throws INVALID_FILE */
export function readFooter(bytes: Uint8Array, path: string): Footer {
  return guard({ path, label: 'footer' }, () => {
    const footer = FlatTable.root(bytes);
    const schema = footer.table(1);
    if (schema === undefined) throw new Error('there is no schema');
    return {
      schema: readSchema(schema),
      dictionaries: footer.vector(2, blockBytes),
      records: footer.vector(3, blockBytes),
    };
  });
}

export function blockAt(blocks: FlatVector, index: number): Block {
  return {
    offset: blocks.int64(index),
    metadataLength: blocks.int32(index, 8),
    bodyLength: blocks.int64(index, 16),
  };
}

/** Runs `step`, whose errors say what is wrong with the metadata. */
function guard<T>({ path, label }: Place, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${path}: expected well-formed metadata for \`${label}\`: ${reason}`;
    throw new HeadpoolError('INVALID_FILE', message, { cause });
  }
}
