// The pages of a column in one row group, one after another: what their headers say is checked before anything is made
// of their bytes.
import { invalidFile } from '../../../core/errors.js';
import { readFully, type Reading } from '../../positional-io.js';
import { checkThrift } from './check-thrift.js';
import type { ParquetReading, RowGroup } from './load-parquet.js';

/** The most values of a column in one row group. */
export const mostValues = 2 ** 25 - 1;
/** The most that a byte stands for, of columns that say the same over and over. */
const mostValuesPerByte = 64;
const mostPageBytes = 2 ** 28;
const magicBytes = 4;

export interface PageSource {
  readonly parquet: ParquetReading;
  readonly path: string;
  readonly file: Reading;
  readonly size: number;
  /** Such as `row group 3`. */
  readonly label: string;
}

type Chunk = RowGroup['columns'][number];

export interface ColumnBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Values that are announced, with those that are null. */
  readonly values: number;
  /** Bytes of all pages, decompressed. */
  readonly unpacked: number;
  readonly codec: NonNullable<Chunk['meta_data']>['codec'];
}

/**
 * A column as it lies in the file.
 * @throws INVALID_FILE, FILE_FAILED
 */
export async function readColumnBytes(
  { path, file, size, label }: Omit<PageSource, 'parquet'>,
  { file_path: elsewhere, meta_data: metadata }: Chunk,
): Promise<ColumnBytes> {
  if (elsewhere !== undefined) throw invalidFile(path, 'data in the same file', label, elsewhere);
  if (metadata === undefined) throw invalidFile(path, 'a column that is not encrypted', label, undefined);
  const { dictionary_page_offset: dictionary, data_page_offset: data, num_values: values, codec } = metadata;
  const begin = Number(dictionary !== undefined && dictionary > 0n && dictionary < data ? dictionary : data);
  const length = Number(metadata.total_compressed_size);
  if (begin < magicBytes || length < 0 || begin + length > size) {
    throw invalidFile(path, `a place in the file's ${size} bytes`, label, [begin, length]);
  }
  const most = Math.min(mostValues, length * mostValuesPerByte);
  const unpacked = Number(metadata.total_uncompressed_size);
  if (values < 0n || values > Math.min(mostValues, Math.max(most, unpacked * mostValuesPerByte))) {
    throw invalidFile(path, `at most ${mostValues} values, fewer in a small file,`, label, values);
  }
  const bytes = new Uint8Array(length);
  await readFully(file, bytes, { path, position: begin });
  return { bytes, values: Number(values), unpacked, codec };
}

export interface Page {
  /** Values with those that are null; of a dictionary, its entries. */
  readonly count: number;
  readonly encoding: string;
  readonly isDictionary: boolean;
  /** Of repetition and definition levels, where the header says how long they are; else the levels say so themselves. */
  readonly levels: readonly [Uint8Array, Uint8Array] | undefined;
  /** The rest, decompressed when it is asked for. */
  readonly takeBody: () => Uint8Array;
}

/** @throws Error for pages that are malformed, or have another number of values than announced */
export function* pagesOf(
  { parquetHeader, compressors }: ParquetReading,
  column: ColumnBytes,
): Generator<Page, void> {
  const { bytes, codec } = column;
  const reader = { view: new DataView(bytes.buffer), offset: 0 };
  let [values, unpacked] = [0, 0];
  // A last single byte is no page.
  while (reader.offset < bytes.length - 1) {
    checkThrift(bytes, reader.offset);
    const header = parquetHeader(reader);
    const { compressed_page_size: stored, uncompressed_page_size: whole } = header;
    const {
      data_page_header: first,
      data_page_header_v2: second,
      dictionary_page_header: dictionary,
    } = header;
    const parts = [first, second, dictionary].filter((part) => part !== undefined);
    const [part] = parts;
    if (part === undefined || parts.length > 1) throw new Error('a page is of no kind, or of two');
    const { num_values: count, encoding } = part;
    const levelBytes = [
      second?.repetition_levels_byte_length ?? 0,
      second?.definition_levels_byte_length ?? 0,
    ] as const;
    const levels = levelBytes[0] + levelBytes[1];
    const nulls = second?.num_nulls ?? 0;
    const end = reader.offset + stored;
    if ([stored, whole, count, nulls, ...levelBytes].some((number) => !(number >= 0)) || end > bytes.length) {
      throw new Error('a page has odd lengths');
    }
    if (nulls > count || levels > Math.min(stored, whole) || (dictionary !== undefined && count > whole)) {
      throw new Error('a page has odd counts');
    }
    unpacked += whole;
    if (unpacked > Math.min(mostPageBytes, column.unpacked))
      throw new Error('pages are longer than announced');
    if (dictionary === undefined) values += count;
    if (values > column.values) throw new Error('pages have more values than announced');
    const page = bytes.subarray(reader.offset, end);
    const body = page.subarray(levels);
    const isPacked =
      codec !== 'UNCOMPRESSED' && second?.is_compressed !== false && (second === undefined || whole > levels);
    yield {
      count,
      encoding,
      isDictionary: dictionary !== undefined,
      levels: second && [page.subarray(0, levelBytes[0]), page.subarray(levelBytes[0], levels)],
      takeBody: () => (isPacked ? decompress(compressors[codec], body, whole - levels) : body),
    };
    reader.offset = end;
  }
  if (values !== column.values) throw new Error(`pages have ${values} values instead of ${column.values}`);
}

function decompress(
  decode: ParquetReading['compressors'][keyof ParquetReading['compressors']],
  body: Uint8Array,
  length: number,
): Uint8Array {
  if (decode === undefined) throw new Error('pages are compressed by a codec that is unknown');
  const page = decode(body, length);
  if (page.length === length) return page;
  throw new Error(`a page has ${page.length} bytes instead of ${length}`);
}
