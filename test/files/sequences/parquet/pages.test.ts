// Pages of columns, put together one by one: what the writer of the other tests has no choice of.
import { parquetSchema } from 'hyparquet';
import test from 'ava';
import { readTokens, type ColumnSource } from '../../../../src/files/sequences/parquet/column.js';
import { loadReading } from '../../../../src/files/sequences/parquet/load-parquet.js';
import { createDraw, type Draw } from '../../../fuzz/draw.js';
import { listColumn, openParquetBytes } from '../../../helpers/parquet-files.js';
import {
  columnOf,
  fileOf,
  groupOf,
  shred,
  type PageForm,
  type TokenRow,
} from '../../../helpers/parquet-pages.js';

const modelDim = 3;
const parquet = await loadReading();
const schema = parquetSchema({
  schema: [{ name: 'root', num_children: 1 }, ...listColumn('x', 2)],
});

const read = (pages: Buffer, values: number, codec: PageForm['codec']) => {
  const bytes = Buffer.concat([Buffer.from('PAR1'), pages]);
  const file: ColumnSource['file'] = {
    read: (target, offset, length, position) =>
      Promise.resolve({ bytesRead: bytes.copy(target, offset, position, position + length) }),
  };
  const group = groupOf(pages, { values, rows: 0, codec });
  const source = {
    parquet,
    path: 'a.parquet',
    file,
    size: bytes.length,
    label: 'row group 0',
    schema,
    group,
  };
  return readTokens({ ...source, column: 'x' }, modelDim);
};

const drawRow = (draw: Draw): TokenRow => {
  if (draw.isLucky(0.1)) return null;
  return Array.from({ length: draw.below(5) }, () => {
    if (draw.isLucky(0.05)) return null;
    const width = draw.isLucky(0.1) ? draw.below(5) : modelDim;
    return Array.from({ length: width }, () => (draw.isLucky(0.02) ? null : draw.below(9) / 2));
  });
};

/** What is wrong first. */
const faultOf = (row: TokenRow): object | undefined => {
  if (row === null) return {};
  for (const [token, numbers] of row.entries()) {
    if (numbers === null) return { token };
    if (numbers.length !== modelDim) return { token, width: numbers.length };
    if (numbers.includes(null)) return { token, number: numbers.indexOf(null) };
  }
  return undefined;
};

for (const version of [1, 2] as const) {
  for (const encoding of ['PLAIN', 'BYTE_STREAM_SPLIT', 'RLE_DICTIONARY'] as const) {
    for (const codec of ['UNCOMPRESSED', 'SNAPPY'] as const) {
      test(`Rows go on over ${codec} pages of kind ${version} with values as ${encoding}`, async (t) => {
        for (let seed = 0; seed < 40; seed++) {
          const draw = createDraw(seed);
          const rows = Array.from({ length: 1 + draw.below(60) }, () => drawRow(draw));
          const entries = shred(rows);
          const cuts: number[] = [];
          for (let left = entries.length; left > 0; left -= cuts.at(-1)!)
            cuts.push(Math.min(left, 1 + draw.below(40)));
          const found = await read(
            columnOf(entries, cuts, { version, encoding, codec }),
            entries.length,
            codec,
          );
          t.deepEqual(found.lengths, rows.map((row) => row?.length ?? 0)); // prettier-ignore
          for (const [index, row] of rows.entries()) {
            const fault = faultOf(row);
            t.deepEqual(found.faultOf(index), fault);
            if (fault === undefined) t.deepEqual([...found.numbersOf(index, index + 1)], (row ?? []).flat());
          }
        }
      });
    }
  }
}

test('Runs and levels that contradict what is announced are refused', async (t) => {
  const form = { version: 2, encoding: 'PLAIN', codec: 'UNCOMPRESSED' } as const;
  const entries = shred([[[1, 2, 3]]]);
  const odd = async (changed: typeof entries, message: RegExp) => {
    await t.throwsAsync(read(columnOf(changed, [changed.length], form), changed.length, 'UNCOMPRESSED'), {
      message,
    });
  };
  await odd(entries.slice(1), /nothing goes on as a list/);
  await odd([{ ...entries[0]!, repetition: 1 }], /nothing goes on as a row/);
  await odd([{ repetition: 3, definition: 5, value: 1 }], /a level that its column has not/);
  await odd([{ repetition: 0, definition: 7, value: undefined }], /a level that its column has not/);
  await odd([{ repetition: 0, definition: 5, value: undefined }], /a page is cut short/);
  const pages = columnOf(entries, [3], form);
  await t.throwsAsync(read(pages, 4, 'UNCOMPRESSED'), { message: /pages have 3 values instead of 4/ });
  await t.throwsAsync(read(pages, 2, 'UNCOMPRESSED'), { message: /more values than announced/ });
});

test('A file of more row groups than are read at once is whole, and damaged where one of them is', async (t) => {
  const entries = shred([[[1, 2, 3]], []]);
  const codec = 'UNCOMPRESSED';
  const pages = columnOf(entries, [entries.length], { version: 1, encoding: 'PLAIN', codec });
  const group = groupOf(pages, { values: entries.length, rows: 2, codec });
  const groups = [...new Array<typeof group>(99).fill(group), { ...group, num_rows: 3n }];
  const stream = await openParquetBytes(t, fileOf(pages, groups), { modelDim, start: { sequence: 1 } });
  t.teardown(() => stream.close());
  let sequences = 0;
  await t.throwsAsync(
    async () => {
      for (let part; (part = await stream.next(1000)) !== undefined;) {
        if ('error' in part) throw part.error;
        sequences += part.lengths.length;
        t.is(part.share, (1 + sequences) / 201);
      }
    },
    { message: /expected 3 rows for `row group 99`, got `2`/ },
  );
  t.is(sequences, 197);
});
