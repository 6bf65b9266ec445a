// Reads what a column calls its rows: texts of three kinds or integers, straight or by indices of a dictionary.
import { invalidFile } from '../../../core/errors.js';
import type { SequenceName } from '../sequences.js';
import { findNull, type BatchParts } from './batch-parts.js';
import type { NamesColumn } from './columns.js';
import type { ColumnStart } from './locate-columns.js';
import type { FieldType, IntType } from './schema.js';

export interface NameSource {
  readonly parts: BatchParts;
  readonly start: ColumnStart;
  /** How many further buffers a column of views has. */
  readonly viewCount: number;
  /** What messages call row `row`. */
  readonly label: (row: number) => string;
}

/** The name of a row; null where there is none. @throws INVALID_FILE naming the row */
export type NameReader = (row: number) => SequenceName;

const longestInline = 12;
const viewBytes = 16;
/** Views may share their bytes, but not so often that a small file becomes texts without end. */
const mostSharing = 16;

/**
 * @param dictionary the names that indices stand for; empty where the file hasn't given it before
 * @throws INVALID_FILE, FILE_FAILED
 */
export async function readNames(
  source: NameSource,
  column: NamesColumn,
  dictionary: readonly SequenceName[],
): Promise<NameReader> {
  const { type, dictionary: encoding } = column.field;
  if (encoding === undefined) return readPlainNames(source, type);
  const { parts, label } = source;
  const indexAt = await readIntegers(source, encoding.indices);
  return (row) => {
    const index = indexAt(row);
    if (index === null) return null;
    const name = dictionary[Number(index)];
    if (name !== undefined) return name;
    throw invalidFile(
      parts.place.path,
      `an index of its dictionary of ${dictionary.length}`,
      label(row),
      index,
    );
  };
}

export async function readPlainNames(source: NameSource, type: FieldType): Promise<NameReader> {
  if (type.kind === 'Int') return readIntegers(source, type);
  if (type.kind === 'Utf8View') return readViews(source);
  return readTexts(source, type.kind === 'Utf8' ? 4 : 8);
}

async function readTexts(source: NameSource, bytesPerOffset: 4 | 8): Promise<NameReader> {
  const { parts, start } = source;
  const { length: count } = parts.node(start.node);
  const bitmap = await parts.bitmap(start.node, start.buffer);
  const bytes = await parts.bytes(start.buffer + 2);
  const offsets = await parts.offsets(start.buffer + 1, { count, bytesPerOffset, most: bytes.length });
  return (row) => {
    if (findNull(bitmap, row, row + 1) >= 0) return null;
    return decodeText(source, row, bytes.subarray(offsets[row], offsets[row + 1]));
  };
}

/** Each view is a length and the text itself or, where longer, its beginning, a buffer and an offset. */
async function readViews(source: NameSource): Promise<NameReader> {
  const { parts, start } = source;
  const { length: count } = parts.node(start.node);
  const bitmap = await parts.bitmap(start.node, start.buffer);
  const views = await parts.bytes(start.buffer + 1, count * viewBytes);
  const buffers = await readViewBuffers(source);
  const view = new DataView(views.buffer);
  const find = (row: number): Uint8Array | undefined => {
    if (findNull(bitmap, row, row + 1) >= 0) return undefined;
    const at = row * viewBytes;
    const length = view.getInt32(at, true);
    if (length >= 0 && length <= longestInline) return views.subarray(at + 4, at + 4 + length);
    const [buffer, offset] = [view.getInt32(at + 8, true), view.getInt32(at + 12, true)];
    const bytes = buffers[buffer];
    if (bytes !== undefined && length > 0 && offset >= 0 && offset + length <= bytes.length) {
      return bytes.subarray(offset, offset + length);
    }
    throw invalidFile(parts.place.path, 'a text inside its buffer', source.label(row), [
      length,
      buffer,
      offset,
    ]);
  };
  let total = 0;
  for (let row = 0; row < count; row++) total += Math.max(0, view.getInt32(row * viewBytes, true));
  const most = mostSharing * buffers.reduce((sum, { length }) => sum + length, views.length);
  if (total > most)
    throw parts.refuse(`at most ${most} bytes of text`, `buffers[${start.buffer + 1}]`, total);
  return (row) => {
    const bytes = find(row);
    return bytes === undefined ? null : decodeText(source, row, bytes);
  };
}

async function readViewBuffers({ parts, start, viewCount }: NameSource): Promise<Uint8Array[]> {
  const indices = Array.from({ length: viewCount }, (_, index) => start.buffer + 2 + index);
  const total = indices.reduce((sum, index) => sum + parts.region(index).byteLength, 0);
  // Buffers that overlap would let a small file ask for any memory.
  if (total > parts.body.byteLength) {
    throw parts.refuse(`at most ${parts.body.byteLength} bytes of text`, `buffers[${indices[0]!}]`, total);
  }
  const buffers: Uint8Array[] = [];
  for (const index of indices) buffers.push(await parts.bytes(index));
  return buffers;
}

async function readIntegers(
  source: NameSource,
  { bitWidth, isSigned }: IntType,
): Promise<(row: number) => number | string | null> {
  const { parts, start } = source;
  const { length: count } = parts.node(start.node);
  const bitmap = await parts.bitmap(start.node, start.buffer);
  const arrayType = arrayTypes.get(`${isSigned ? 'I' : 'U'}${bitWidth}`);
  if (arrayType === undefined) throw parts.refuse('8, 16, 32 or 64', 'id.bitWidth', bitWidth);
  const { buffer } = await parts.bytes(start.buffer + 1, count * (bitWidth / 8));
  const integers = new arrayType(buffer);
  return (row) => {
    if (findNull(bitmap, row, row + 1) >= 0) return null;
    const integer = integers[row]!;
    const number = Number(integer);
    return Number.isSafeInteger(number) ? number : String(integer); // All digits, where a number would round.
  };
}

const arrayTypes = new Map<
  string,
  new (buffer: ArrayBuffer) => { readonly [index: number]: number | bigint }
>([
  ['I8', Int8Array],
  ['I16', Int16Array],
  ['I32', Int32Array],
  ['I64', BigInt64Array],
  ['U8', Uint8Array],
  ['U16', Uint16Array],
  ['U32', Uint32Array],
  ['U64', BigUint64Array],
]);

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeText({ parts, label }: NameSource, row: number, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw invalidFile(parts.place.path, 'UTF-8', label(row), Buffer.from(bytes).toString('latin1'));
  }
}
