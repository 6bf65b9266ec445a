import test from 'ava';
import { createParquetFormat } from '../../../../src/files/sequences/parquet-format.js';
import { loadReading, loadWriting } from '../../../../src/files/sequences/parquet/load-parquet.js';
import { assertRefused } from '../../../helpers/assertions.js';
import { countUp, readAll, width } from '../../../helpers/arrow-tables.js';
import {
  listColumn,
  openParquet,
  openParquetBytes,
  outlineOf,
  textColumn,
  writeTable,
} from '../../../helpers/parquet-files.js';
import { writeScratch } from '../../scratch.js';

const rows = [countUp(1), [], countUp(3, 2), countUp(2, 8), countUp(1, 12), countUp(4, 14)];
const names = ['a', null, 'ü', 'd', 'e', ''];
const everything = { lengths: [1, 0, 3, 2, 1, 4], names, numbers: countUp(11).flat(), damages: [] };

for (const floats of ['f32', 'f64', 'f16'] as const) {
  for (const repetition of ['OPTIONAL', 'REQUIRED'] as const) {
    for (const codec of ['UNCOMPRESSED', 'SNAPPY'] as const) {
      const x = { name: 'x', data: rows, elements: listColumn('x', 2, { floats, repetition }) };
      const id = { name: 'id', data: names, elements: [textColumn] };

      test(`Every row of ${codec} ${repetition} lists of ${floats} is a sequence`, async (t) => {
        for (const rowGroupSize of [1, 4, 100]) {
          const stream = await openParquetBytes(t, writeTable({ columns: [id, x], codec, rowGroupSize }));
          t.like(stream, { form: 'packed', layout: undefined });
          const all = await readAll(stream);
          t.like(all, everything);
          t.is(all.shares.at(-1), 1);
        }
      });

      test(`Each row of ${codec} ${repetition} single lists of ${floats} is one token`, async (t) => {
        const y = { name: 'y', data: countUp(5), elements: listColumn('y', 1, { floats, repetition }) };
        const { lengths, numbers } = await readAll(
          await openParquetBytes(t, writeTable({ columns: [y], codec })),
        );
        t.deepEqual(lengths, [1, 1, 1, 1, 1]);
        t.deepEqual(numbers, countUp(5).flat());
      });
    }
  }
}

const table = (data: unknown[], more: Parameters<typeof writeTable>[0]['columns'] = []): Uint8Array =>
  writeTable({ columns: [{ name: 'x', data, elements: listColumn('x', 2) }, ...more], rowGroupSize: 4 });

test('A file goes on at any sequence', async (t) => {
  const path = await writeScratch(t, 'a.parquet', table(rows));
  for (let sequence = 0; sequence <= rows.length; sequence++) {
    const { lengths, numbers } = await readAll(await openParquet(path, { start: { sequence } }));
    t.deepEqual(lengths, everything.lengths.slice(sequence));
    t.deepEqual(numbers, rows.slice(sequence).flat(2));
  }
  const what = 'at least 7 for `sequences`, got `6`';
  await assertRefused(t, () => openParquet(path, { start: { sequence: 7 } }), {
    code: 'INVALID_FILE',
    path,
    what,
  });
});

test('Nulls and tokens of another width damage their sequences alone', async (t) => {
  const odd = [countUp(1), null, [[1, 2], null], [[5, null]], [[1, 2, 3]], [[1]], countUp(2)];
  const { lengths, damages } = await readAll(await openParquetBytes(t, table(odd)));
  t.deepEqual(lengths, [1, 2]);
  const fields = ['a list for `row 1.x`, got `null`', 'a list for `row 2.x[1]`, got `null`', 'a number for `row 3.x[0][1]`, got `null`', '2 numbers for `row 4.x[0]`, got `3`', '2 numbers for `row 5.x[0]`, got `1`']; // prettier-ignore
  for (const [n, field] of fields.entries()) t.true(damages[n]!.message.includes(field), damages[n]!.message);
  t.deepEqual(damages.map(({ sequence }) => sequence), [1, 2, 3, 4, 5]); // prettier-ignore
});

test('Names are texts or integers, and other columns are passed over', async (t) => {
  const other = { name: 'other', data: rows.map((_, n) => n % 2 === 0), elements: [{ name: 'other', type: 'BOOLEAN', repetition_type: 'REQUIRED' }] } as const; // prettier-ignore
  const small = rows.map((_, n) => n);
  const large = rows.map((_, n) => 2n ** 53n * BigInt(n));
  for (const [type, data, found] of [
    ['INT32', small, small],
    ['INT64', large, [0, ...large.slice(1).map(String)]],
  ] as const) {
    const id = {
      name: 'id',
      data: [...data] as unknown[],
      elements: [{ name: 'id', type, repetition_type: 'REQUIRED' as const }],
    };
    const all = await readAll(await openParquetBytes(t, table(rows, [other, id])));
    t.deepEqual(all.names, [...found]);
  }
  const broken = Buffer.from(table(rows, [{ name: 'id', data: ['aaa', 'bbb', 'ccc', 'ddd', 'e', 'f'], elements: [textColumn], encoding: 'PLAIN', statistics: false }])); // prettier-ignore
  broken.fill(0xff, broken.indexOf('bbb'), broken.indexOf('ccc') - 4);
  const { names: kept, damages } = await readAll(await openParquetBytes(t, broken));
  t.deepEqual(kept, ['aaa', 'ccc', 'ddd', 'e', 'f']);
  t.true(damages[0]!.message.includes('UTF-8 for `row 1.id`'), damages[0]!.message);
});

test('Metadata of the file are kept', async (t) => {
  const columns = [{ name: 'x', data: rows, elements: listColumn('x', 2) }];
  const stream = await openParquetBytes(
    t,
    writeTable({ columns, kvMetadata: [{ key: 'kernel', value: 'native' }] }),
  );
  t.teardown(() => stream.close());
  t.deepEqual(stream.metadata, new Map([['kernel', 'native']]));
});

test('Columns of other types are refused by name', async (t) => {
  const floats = { name: 'x', data: [1, 2], elements: listColumn('x', 0) };
  const refused = async (columns: Parameters<typeof writeTable>[0]['columns'], what: string) => {
    await assertRefused(t, () => openParquetBytes(t, writeTable({ columns })), {
      code: 'INVALID_FILE',
      what,
    });
  };
  await refused([floats], 'for `columns`, got `["x: FLOAT"]`');
  const lists = (name: string, depth: number, data: unknown[]) => ({
    name,
    data,
    elements: listColumn(name, depth),
  });
  await refused([lists('y', 2, [[]]), lists('z', 2, [[]])], 'for `columns`, got `["y: nested","z: nested"]`');
  await refused([lists('x', 2, [[]]), { name: 'id', data: [0.5], elements: listColumn('id', 0) }], 'texts or integers for `id`, got `"FLOAT"`'); // prettier-ignore
  t.deepEqual((await readAll(await openParquetBytes(t, writeTable({ columns: [lists('mean', 1, [[9, 9]]), lists('y', 2, [countUp(1)])] })))).numbers, [0, 1]); // prettier-ignore
});

test('Where a package is missing, the error says what to install', async (t) => {
  const cause = new Error('Cannot find package');
  const fail = () => Promise.reject(cause);
  const format = createParquetFormat(() => loadReading(fail), () => loadWriting(fail)); // prettier-ignore
  await assertRefused(t, () => format.openStream({ path: 'a.parquet', modelDim: width }), {
    code: 'INVALID_OPTION',
    what: 'npm install hyparquet hyparquet-compressors',
  });
  await assertRefused(t, () => format.createEncoder!(outlineOf()), {
    code: 'INVALID_OPTION',
    what: 'npm install hyparquet-writer',
  });
  t.is((await t.throwsAsync(loadWriting(fail))).cause, cause);
});
