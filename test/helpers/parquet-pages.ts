// Columns of Parquet put together page by page, in both kinds of pages, with rows that go on over pages.
import { ByteWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import { listColumn } from './parquet-files.js';

type Token = readonly (number | null)[] | null;
export type TokenRow = readonly Token[] | null;

interface Entry {
  readonly repetition: number;
  readonly definition: number;
  readonly value: number | undefined;
}

/** As the column `x` of optional lists of optional lists of optional floats says it. */
export function shred(rows: readonly TokenRow[]): Entry[] {
  const none = (repetition: number, definition: number): Entry => ({
    repetition,
    definition,
    value: undefined,
  });
  return rows.flatMap((row) => {
    if (row === null || row.length === 0) return [none(0, row === null ? 0 : 1)];
    return row.flatMap((token, index) => {
      const first = index === 0 ? 0 : 1;
      if (token === null || token.length === 0) return [none(first, token === null ? 2 : 3)];
      return token.map((number, n): Entry => {
        const repetition = n === 0 ? first : 2;
        return number === null ? none(repetition, 4) : { repetition, definition: 5, value: number };
      });
    });
  });
}

export interface PageForm {
  readonly version: 1 | 2;
  readonly encoding: 'PLAIN' | 'BYTE_STREAM_SPLIT' | 'RLE_DICTIONARY';
  readonly codec: 'UNCOMPRESSED' | 'SNAPPY';
}

const bytesOf = (write: (writer: ByteWriter) => void): Buffer => {
  const writer = new ByteWriter();
  write(writer);
  return Buffer.from(writer.getBytes());
};

const runs = (numbers: number[], bits: number): Buffer =>
  bytesOf((writer) => writeRleBitPackedHybrid(writer, numbers, bits));

const behindLength = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
};

const floats = (values: readonly number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);

function bodyOf(values: readonly number[], encoding: PageForm['encoding'], dictionary: number[]): Buffer {
  if (encoding === 'PLAIN') return floats(values);
  if (encoding === 'BYTE_STREAM_SPLIT') {
    const plain = floats(values);
    return Buffer.from(
      plain.map((_, at) => plain[(at % values.length) * 4 + Math.floor(at / values.length)]!),
    );
  }
  const bits = Math.max(1, 32 - Math.clz32(dictionary.length));
  return Buffer.concat([Buffer.of(bits), runs(values.map((value) => dictionary.indexOf(value)), bits)]); // prettier-ignore
}

/** All pages of a column, `cuts` entries each. */
export function columnOf(entries: readonly Entry[], cuts: readonly number[], form: PageForm): Buffer {
  const { version, encoding, codec } = form;
  const pack = (bytes: Buffer): Uint8Array => (codec === 'SNAPPY' ? snappyCompress(bytes) : bytes);
  const dictionary = [...new Set(entries.flatMap(({ value }) => value ?? []))];
  const pages: Uint8Array[] = [];
  if (encoding === 'RLE_DICTIONARY') {
    const plain = floats(dictionary);
    const packed = pack(plain);
    const header = bytesOf((writer) => {
      writePageHeader(writer, {
        type: 'DICTIONARY_PAGE',
        uncompressed_page_size: plain.length,
        compressed_page_size: packed.length,
        dictionary_page_header: { num_values: dictionary.length, encoding: 'PLAIN', is_sorted: false },
      });
    });
    pages.push(header, packed);
  }
  let begin = 0;
  for (const cut of cuts) {
    const own = entries.slice(begin, (begin += cut));
    const repetitions = runs(own.map(({ repetition }) => repetition), 2); // prettier-ignore
    const definitions = runs(own.map(({ definition }) => definition), 3); // prettier-ignore
    const values = own.flatMap(({ value }) => value ?? []);
    const body = bodyOf(values, encoding, dictionary);
    const levels = Buffer.concat([repetitions, definitions]);
    const whole = version === 2 ? levels.length + body.length : levels.length + body.length + 8;
    const packed =
      version === 2
        ? Buffer.concat([levels, pack(body)])
        : pack(Buffer.concat([behindLength(repetitions), behindLength(definitions), body]));
    const counts = { num_values: own.length, encoding };
    const header = bytesOf((writer) => {
      writePageHeader(writer, {
        type: version === 2 ? 'DATA_PAGE_V2' : 'DATA_PAGE',
        uncompressed_page_size: whole,
        compressed_page_size: packed.length,
        ...(version === 1
          ? {
              data_page_header: {
                ...counts,
                definition_level_encoding: 'RLE',
                repetition_level_encoding: 'RLE',
              },
            }
          : {
              data_page_header_v2: {
                ...counts,
                num_nulls: own.length - values.length,
                num_rows: own.filter(({ repetition }) => repetition === 0).length,
                repetition_levels_byte_length: repetitions.length,
                definition_levels_byte_length: definitions.length,
                is_compressed: codec === 'SNAPPY',
              },
            }),
      });
    });
    pages.push(header, packed);
  }
  return Buffer.concat(pages);
}

type RowGroup = Parameters<typeof writeMetadata>[1]['row_groups'][number];

/** A row group whose only column is `pages`, behind the first bytes of a file. */
export function groupOf(
  pages: Uint8Array,
  { values, rows, codec }: { values: number; rows: number; codec: PageForm['codec'] },
): RowGroup {
  const meta_data = {
    type: 'FLOAT' as const,
    encodings: [],
    path_in_schema: ['x', 'list', 'element', 'list', 'element'],
    codec,
    num_values: BigInt(values),
    data_page_offset: 4n,
    total_compressed_size: BigInt(pages.length),
    total_uncompressed_size: BigInt(100 * pages.length),
  };
  const columns = [{ file_offset: 4n, meta_data }];
  return { columns, total_byte_size: BigInt(pages.length), num_rows: BigInt(rows) };
}

/** A file of row groups on the same pages. */
export function fileOf(pages: Uint8Array, groups: readonly RowGroup[]): Buffer {
  const schema = [{ name: 'root', num_children: 1 }, ...listColumn('x', 2)];
  const num_rows = groups.reduce((sum, group) => sum + group.num_rows, 0n);
  const footer = bytesOf((writer) => {
    const metadata = { version: 2, created_by: 'a test', schema, num_rows, row_groups: [...groups] };
    writeMetadata(writer, { ...metadata, metadata_length: 0 });
  });
  return Buffer.concat([Buffer.from('PAR1'), pages, footer, Buffer.from('PAR1')]);
}
