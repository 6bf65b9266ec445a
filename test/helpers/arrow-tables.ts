// What the tests of Arrow share: tables made by the package's own writers, messages put together by hand, and all that
// a stream gives. Rows are [token, token, …] of `width` numbers.
import {
  Field,
  FixedSizeList,
  Float32,
  List,
  Message,
  Schema,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
  type DataType,
} from 'apache-arrow';
import { BufferRegion, FieldNode, RecordBatch } from 'apache-arrow/ipc/metadata/message';
import { arrowFormat } from '../../src/files/sequences/arrow-format.js';
import { countTokens } from '../../src/files/sequences/layout.js';
import type { SequenceName, SequenceStream, StreamSource } from '../../src/files/sequences/sequences.js';

export const width = 2;

type Row = (readonly (number | null)[] | null)[] | null;

export const listOf = (
  numbers: DataType = new Float32(),
  ListType: new (child: Field) => DataType = List,
): DataType =>
  new ListType(new Field('item', new FixedSizeList(width, new Field('item', numbers, true)), true));

/** `tokens` tokens that count up from `first`. */
export const countUp = (tokens: number, first = 0): number[][] =>
  Array.from({ length: tokens }, (_, token) =>
    Array.from({ length: width }, (_, i) => first + token * width + i),
  );

/** One record batch of a column `x`, and of `id` if there are names. */
export function makeTable(rows: readonly Row[], ids?: readonly unknown[], types: TableTypes = {}): Table {
  const x = vectorFromArray(rows, types.x ?? listOf());
  return ids === undefined
    ? new Table({ x })
    : new Table({ id: vectorFromArray(ids, types.id ?? new Utf8()), x });
}

interface TableTypes {
  readonly x?: DataType;
  readonly id?: DataType;
}

export const schemaOf = (x: DataType = listOf()): Schema => new Schema([new Field('x', x, true)]);

/** A message of the stream format, from the package's metadata and a body. */
export function frame(metadata: Uint8Array, body: Uint8Array = new Uint8Array(0)): Buffer {
  const length = Math.ceil(metadata.length / 8) * 8;
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(0xffffffff, 0);
  prefix.writeInt32LE(length, 4);
  return Buffer.concat([prefix, metadata, Buffer.alloc(length - metadata.length), body]);
}

export const endOfStream = Buffer.from('ffffffff00000000', 'hex');
export const schemaMessage = (schema: Schema = schemaOf()): Buffer =>
  frame(Message.encode(Message.from(schema)));

/** A record batch of `x` in two rows of 1 and 2 tokens, with parts to replace. */
export interface BatchParts {
  readonly length?: number;
  /** Lengths and null counts. */
  readonly nodes?: readonly (readonly [number, number])[];
  /** Offsets and lengths. */
  readonly buffers?: readonly (readonly [number, number])[];
  readonly offsets?: readonly number[];
  readonly bodyLength?: number;
}

export function batchMessage(parts: BatchParts = {}): Buffer {
  const offsets = Int32Array.from(parts.offsets ?? [0, 1, 3]);
  const body = Buffer.alloc(16 + 3 * width * 4);
  body.set(new Uint8Array(offsets.buffer));
  body.set(new Uint8Array(Float32Array.from(countUp(3).flat()).buffer), 16);
  const nodes = parts.nodes ?? [[2, 0], [3, 0], [3 * width, 0]]; // prettier-ignore
  const buffers = parts.buffers ?? [[0, 0], [0, 12], [16, 0], [16, 0], [16, 24]]; // prettier-ignore
  const records = new RecordBatch(
    parts.length ?? 2,
    nodes.map(([length, nullCount]) => new FieldNode(length, nullCount)),
    buffers.map(([offset, length]) => new BufferRegion(offset, length)),
    null,
  );
  return frame(Message.encode(Message.from(records, parts.bodyLength ?? body.length)), body);
}

export const streamFile = (...messages: Uint8Array[]): Buffer =>
  Buffer.concat([schemaMessage(), ...messages, endOfStream]);

export const openArrow = (path: string, source: Partial<StreamSource> = {}): Promise<SequenceStream> =>
  arrowFormat.openStream({ path, modelDim: width, ...source });

/** `bytes` in chunks of `size`. */
export async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

export interface Everything {
  readonly lengths: number[];
  readonly names: (SequenceName | undefined)[];
  readonly numbers: number[];
  /** Messages of damaged sequences, and how many sequences were in front of each. */
  readonly damages: { readonly message: string; readonly code: string; readonly sequence: number }[];
  /** Sequences of each span. */
  readonly spans: number[];
  readonly shares: (number | undefined)[];
}

/** Reads a stream to its end and closes it. */
export async function readAll(stream: SequenceStream, mostTokens = 4): Promise<Everything> {
  const all: Everything = { lengths: [], names: [], numbers: [], damages: [], spans: [], shares: [] };
  let sequences: number | undefined;
  try {
    for (let part; (part = await stream.next(mostTokens)) !== undefined;) {
      if ('error' in part) {
        const { message, code } = part.error;
        all.damages.push({ message, code, sequence: part.end.sequence - 1 });
        sequences = part.end.sequence;
        continue;
      }
      const { lengths, names, end, share } = part;
      const target = new Float32Array(countTokens(lengths) * width);
      await part.read(target);
      all.lengths.push(...lengths);
      all.names.push(...(names ?? lengths.map(() => undefined)));
      all.numbers.push(...target);
      all.spans.push(lengths.length);
      all.shares.push(share);
      if (sequences !== undefined && end.sequence !== sequences + lengths.length)
        throw new Error('positions jump');
      sequences = end.sequence;
    }
  } finally {
    await stream.close();
  }
  return all;
}

/** Three batches of 3, 1 and 2 sequences, of 1, 0, 3; 2; 1 and 4 tokens. */
export const threeBatches = (types: Parameters<typeof makeTable>[2] = {}) =>
  makeTable([countUp(1), [], countUp(3, 2)], ['a', null, 'ü'], types).concat(
    makeTable([countUp(2, 8)], ['d'], types),
    makeTable([countUp(1, 12), countUp(4, 14)], ['e', ''], types),
  );

/** A stream without a fault. */
export const whole = streamFile(batchMessage());

/** The table in the file format, whose footer lists its batches. */
export const fileOf = (table = threeBatches()): Buffer => Buffer.from(tableToIPC(table, 'file'));
