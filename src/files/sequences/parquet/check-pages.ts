// Walks the pages of a column before the package decodes them: it makes room for as many values as a page announces.
import { HeadpoolError, invalidFile } from '../../../core/errors.js';
import { readFully, type Reading } from '../../positional-io.js';
import { checkOuterLevels, checkPageBody, type PageShape } from './check-runs.js';
import type { ParquetReading, RowGroup, SchemaTree } from './load-parquet.js';

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

export interface Pages {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where they begin in the file. */
  readonly begin: number;
  /** For one pass over the pages: what comes out of them is checked too. */
  readonly compressors: ParquetReading['compressors'];
}

/**
 * The pages of a column.
 * @param schema of the whole file
 * @throws INVALID_FILE, FILE_FAILED
 */
export async function readPages(
  { parquet, path, file, size, label }: PageSource,
  { file_path: elsewhere, meta_data: metadata }: Chunk,
  schema: SchemaTree,
): Promise<Pages> {
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
  await readFully(file, bytes, { path, position: begin });
  const levelBits = countLevels(schema, metadata.path_in_schema);
  const isCompressed = metadata.codec !== 'UNCOMPRESSED';
  const packed = guard({ path, label }, () =>
    walkPages(parquet, bytes, { values: Number(values), unpacked, levelBits, isCompressed }),
  );
  return { bytes, begin, compressors: checkAfterwards(parquet.compressors, packed) };
}

/** Bits of a repetition and of a definition level. */
function countLevels(schema: SchemaTree, path: readonly string[]): [number, number] {
  let [repetitions, definitions] = [0, 0];
  let tree: SchemaTree | undefined = schema;
  for (const name of path) {
    tree = tree?.children.find(({ element }) => element.name === name);
    if (tree?.element.repetition_type === 'REPEATED') repetitions++;
    if (tree?.element.repetition_type !== 'REQUIRED') definitions++;
  }
  return [32 - Math.clz32(repetitions), 32 - Math.clz32(definitions)];
}

interface Announced extends Pick<PageShape, 'levelBits'> {
  readonly values: number;
  readonly unpacked: number;
  readonly isCompressed: boolean;
}

/** The shapes of the pages to decompress, undefined for dictionaries. @throws Error */
function walkPages(
  parquet: ParquetReading,
  bytes: Uint8Array<ArrayBuffer>,
  { values: announced, unpacked: mostUnpacked, levelBits, isCompressed }: Announced,
): (PageShape | undefined)[] {
  const reader = { view: new DataView(bytes.buffer), offset: 0 };
  const packed: (PageShape | undefined)[] = [];
  let [values, unpacked] = [0, 0];
  // As the package does: a last single byte is no page.
  while (reader.offset < bytes.length - 1) {
    const header = parquet.parquetHeader(reader);
    const { compressed_page_size: stored, uncompressed_page_size: whole } = header;
    const {
      data_page_header: first,
      data_page_header_v2: second,
      dictionary_page_header: dictionary,
    } = header;
    const parts = [first, second, dictionary].filter((part) => part !== undefined);
    const count = parts[0]?.num_values ?? 0;
    const nulls = second?.num_nulls ?? 0;
    const levelBytes =
      second && ([second.repetition_levels_byte_length, second.definition_levels_byte_length] as const);
    const levels = levelBytes === undefined ? 0 : levelBytes[0] + levelBytes[1];
    const numbers = [stored, whole, count, nulls, ...(levelBytes ?? [])];
    const end = reader.offset + stored;
    if (numbers.some((number) => !(number >= 0)) || end > bytes.length || parts.length > 1) {
      throw new Error('a page has odd lengths');
    }
    if (nulls > count || levels > Math.min(stored, whole) || (dictionary !== undefined && count > whole)) {
      throw new Error('a page has odd counts');
    }
    unpacked += whole;
    if (unpacked > Math.min(mostPageBytes, mostUnpacked)) throw new Error('pages are longer than announced');
    const isUnpacked =
      !isCompressed || second?.is_compressed === false || (second !== undefined && whole === levels);
    const data = first ?? second;
    if (data !== undefined) {
      values += count;
      if (values > announced) throw new Error('pages have more values than announced');
      const shape = { count, levelBits, encoding: data.encoding, levelBytes };
      const page = bytes.subarray(reader.offset, end);
      checkOuterLevels(page, shape);
      if (isUnpacked) checkPageBody(page.subarray(levels), shape);
      else packed.push(shape);
    } else if (!isUnpacked && dictionary !== undefined) packed.push(undefined);
    reader.offset = end;
  }
  if (values !== announced) throw new Error(`pages have ${values} values instead of ${announced}`);
  return packed;
}

/** `compressors` that check what comes out of them, page after page. */
function checkAfterwards(
  compressors: ParquetReading['compressors'],
  shapes: (PageShape | undefined)[],
): ParquetReading['compressors'] {
  const checked = Object.entries(compressors).map(([codec, decompress]) => {
    const decompressAndCheck = (input: Uint8Array, length: number): Uint8Array => {
      const page = decompress(input, length);
      const shape = shapes.shift();
      if (shape !== undefined) checkPageBody(page, shape);
      return page;
    };
    return [codec, decompressAndCheck] as const;
  });
  return Object.fromEntries(checked);
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
