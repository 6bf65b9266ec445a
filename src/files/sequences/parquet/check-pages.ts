// Walks the pages of a column before the package decodes them: it makes room for as many values as a page announces.
import { HeadpoolError, invalidFile } from '../../../core/errors.js';
import { attempt } from '../../attempt.js';
import { readFully, type Reading } from '../../positional-io.js';
import type { ParquetReading, RowGroup } from './load-parquet.js';

/** The most values of a column in one row group: the package keeps them, and two levels of each, in plain arrays. */
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

/** The bytes of a column's pages, and where they begin in the file. @throws INVALID_FILE, FILE_FAILED */
export async function readPages(
  { parquet, path, file, size, label }: PageSource,
  { file_path: elsewhere, meta_data: metadata }: Chunk,
): Promise<{ readonly begin: number; readonly bytes: Uint8Array<ArrayBuffer> }> {
  if (elsewhere !== undefined) throw invalidFile(path, 'data in the same file', label, elsewhere);
  if (metadata === undefined) throw invalidFile(path, 'a column that is not encrypted', label, undefined);
  const { dictionary_page_offset: dictionary, data_page_offset: data, num_values: values } = metadata;
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
  await attempt(path, 'read', () => readFully(file, bytes, { path, position: begin }));
  walkPages({ parquet, path, label }, bytes, { values: Number(values), unpacked });
  return { begin, bytes };
}

function walkPages(
  { parquet, path, label }: Pick<PageSource, 'parquet' | 'path' | 'label'>,
  bytes: Uint8Array<ArrayBuffer>,
  announced: { readonly values: number; readonly unpacked: number },
): void {
  const reader = { view: new DataView(bytes.buffer), offset: 0 };
  let [values, unpacked] = [0, 0];
  // As the package does: a last single byte is no page.
  while (reader.offset < bytes.length - 1) {
    const header = guard({ path, label }, () => parquet.parquetHeader(reader));
    const { compressed_page_size: packed, uncompressed_page_size: whole } = header;
    const {
      data_page_header: first,
      data_page_header_v2: second,
      dictionary_page_header: dictionary,
    } = header;
    const count = (first ?? second ?? dictionary)?.num_values ?? 0;
    const levels = [second?.definition_levels_byte_length ?? 0, second?.repetition_levels_byte_length ?? 0];
    unpacked += whole;
    if (dictionary === undefined) values += count;
    const isOdd =
      !(packed >= 0 && whole >= 0 && count >= 0 && (second?.num_nulls ?? 0) >= 0) ||
      (second?.num_nulls ?? 0) > count ||
      levels.some((length) => length < 0) ||
      levels[0]! + levels[1]! > packed ||
      reader.offset + packed > bytes.length ||
      (dictionary !== undefined && count > whole) ||
      [first, second, dictionary].filter((part) => part !== undefined).length > 1;
    if (isOdd || values > announced.values || unpacked > Math.min(mostPageBytes, announced.unpacked)) {
      throw invalidFile(path, 'pages that fit the file and what it says of them', label, [
        packed,
        whole,
        count,
      ]);
    }
    reader.offset += packed;
  }
  if (values !== announced.values) throw invalidFile(path, `${announced.values} values`, label, values);
}

/** Runs `step` of the package, whose errors say what is wrong with the file. */
export function guard<T>({ path, label }: { path: string; label: string }, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw malformed({ path, label }, cause);
  }
}

export function malformed({ path, label }: { path: string; label: string }, cause: unknown): HeadpoolError {
  if (cause instanceof HeadpoolError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HeadpoolError(
    'INVALID_FILE',
    `${path}: expected well-formed Parquet for \`${label}\`: ${reason}`,
    {
      cause,
    },
  );
}
