import {
  Field,
  Float16,
  Float32,
  Float64,
  Int32,
  Int8,
  LargeList,
  List,
  Null,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Utf8,
  Utf8View,
  vectorFromArray,
} from 'apache-arrow';
import test from 'ava';
import { countTokens } from '../../../../src/files/sequences/layout.js';
import { assertRefused } from '../../../helpers/assertions.js';
import { everything, kinds, openBytes } from '../../../helpers/arrow-checks.js';
import {
  chunksOf,
  countUp,
  listOf,
  makeTable,
  openArrow,
  readAll,
  threeBatches,
  whole,
  width,
} from '../../../helpers/arrow-tables.js';
import { writeScratch } from '../../scratch.js';

for (const kind of kinds) {
  for (const numbers of [new Float32(), new Float16(), new Float64()]) {
    for (const ListType of [List, LargeList]) {
      const x = listOf(numbers, ListType);
      test(`Every row of a ${kind} of ${ListType.name}s of ${numbers.toString()} is a sequence`, async (t) => {
        const stream = await openBytes(t, tableToIPC(threeBatches({ x }), kind));
        t.like(stream, { form: 'packed', layout: undefined });
        t.like(await readAll(stream), everything);
      });
    }
  }

  test(`Spans of a ${kind} hold as many tokens as asked for and never cross record batches`, async (t) => {
    const bytes = tableToIPC(threeBatches(), kind);
    t.deepEqual((await readAll(await openBytes(t, bytes), 1)).spans, [2, 1, 1, 1, 1]);
    t.deepEqual((await readAll(await openBytes(t, bytes), 3)).spans, [2, 1, 1, 1, 1]);
    t.deepEqual((await readAll(await openBytes(t, bytes), 4)).spans, [3, 1, 1, 1]);
    const { spans, shares } = await readAll(await openBytes(t, bytes), Infinity);
    t.deepEqual(spans, [3, 1, 2]);
    t.true(shares.every((share, n) => share! > (shares[n - 1] ?? 0) && share! <= 1));
  });

  test(`A ${kind} goes on at any sequence`, async (t) => {
    const path = await writeScratch(t, 'a.arrow', tableToIPC(threeBatches(), kind));
    for (let sequence = 0; sequence <= everything.lengths.length; sequence++) {
      const { lengths, names, numbers } = await readAll(await openArrow(path, { start: { sequence } }));
      t.deepEqual(lengths, everything.lengths.slice(sequence));
      t.deepEqual(names, everything.names.slice(sequence));
      t.deepEqual(numbers, everything.numbers.slice(everything.numbers.length - numbers.length));
    }
    await assertRefused(t, () => openArrow(path, { start: { sequence: 7 } }), {
      code: 'INVALID_FILE',
      path,
      what: 'at least 7 for `sequences`, got `6`',
    });
  });

  test(`A ${kind} without sequences ends at once`, async (t) => {
    t.deepEqual((await readAll(await openBytes(t, tableToIPC(makeTable([]), kind)))).lengths, []);
  });

  test(`A null list, row or number of a ${kind} damages its sequence alone`, async (t) => {
    const rows = [countUp(1), null, [[1, 2], null], [[1, 2], [3, 4], [5, null]], [], countUp(2, 2)]; // prettier-ignore
    const path = await writeScratch(
      t,
      'a.arrow',
      tableToIPC(makeTable(rows, [1, 2, 3, 4, 5, 6].map(String)), kind),
    );
    const { lengths, names, numbers, damages } = await readAll(await openArrow(path), 100);
    t.deepEqual(lengths, [1, 0, 2]);
    t.deepEqual(names, ['1', '5', '6']);
    t.deepEqual(numbers, countUp(3).flat());
    t.deepEqual(damages, [
      { sequence: 1, code: 'INVALID_FILE', message: `${path}: expected a list for \`row 1.x\`, got \`null\`` },
      { sequence: 2, code: 'INVALID_FILE', message: `${path}: expected a list for \`row 2.x[1]\`, got \`null\`` },
      { sequence: 3, code: 'INVALID_FILE', message: `${path}: expected a number for \`row 3.x[2][1]\`, got \`null\`` },
    ]); // prettier-ignore
  });
}

test('The nulls of a later batch are named by their row in the file', async (t) => {
  const table = makeTable([countUp(1), countUp(1)]).concat(makeTable([countUp(1), null]));
  const { damages } = await readAll(await openBytes(t, tableToIPC(table, 'file')));
  t.is(damages.length, 1);
  t.true(damages[0]!.message.includes('`row 3.x`'), damages[0]!.message);
});

test('A null is found among many numbers', async (t) => {
  for (const [token, index] of [[0, 0], [3, 1], [4, 0], [39, 1]] as const) {
    const row: (number | null)[][] = countUp(40);
    row[token]![index] = null;
    const { lengths, damages } = await readAll(await openBytes(t, tableToIPC(makeTable([countUp(1), row, countUp(2)]))));
    t.deepEqual(lengths, [1, 2]);
    t.true(damages[0]!.message.includes(`row 1.x[${token}][${index}]\``), damages[0]!.message);
  }
}); // prettier-ignore

test('Metadata of the schema are kept, columns of any other type are passed over', async (t) => {
  const struct = new Struct([
    new Field('a', new Utf8()),
    new Field('b', new List(new Field('item', new Int8()))),
  ]);
  const table = new Table({
    text: vectorFromArray(['p', null], new Utf8View()),
    long: vectorFromArray(['q'.repeat(40), 'r'], new Utf8View()),
    nothing: vectorFromArray([null, null], new Null()),
    struct: vectorFromArray(
      [
        { a: 's', b: [1] },
        { a: 't', b: [] },
      ],
      struct,
    ),
    category: vectorFromArray(['u', 'v']),
    rows: vectorFromArray([countUp(1), countUp(2, 2)], listOf()),
    count: vectorFromArray([1, 2], new Int32()),
  });
  const schema = new Schema(table.schema.fields, new Map([['kernel', 'native']]));
  for (const kind of kinds) {
    const stream = await openBytes(t, tableToIPC(new Table(schema, table.batches), kind));
    t.deepEqual(stream.metadata, new Map([['kernel', 'native']]));
    t.like(await readAll(stream), {
      lengths: [1, 2],
      names: [undefined, undefined],
      numbers: countUp(3).flat(),
    });
  }
});

test('Batches of many rows, and many batches, are read whole', async (t) => {
  const count = 20_000; // The offsets alone are larger than what is read ahead.
  const rows = Array.from({ length: count }, (_, row) => countUp(row % 3, row));
  const numbers = rows.flat(2);
  const single = makeTable(rows);
  const parts = Array.from({ length: 500 }, (_, part) => makeTable(rows.slice(part * 40, part * 40 + 40)));
  for (const table of [single, parts[0]!.concat(...parts.slice(1))]) {
    for (const kind of kinds) {
      const all = await readAll(
        await openBytes(t, tableToIPC(table, kind), { start: { sequence: 10 } }),
        1000,
      );
      t.deepEqual(all.lengths, rows.slice(10).map((row) => row.length)); // prettier-ignore
      t.deepEqual(all.numbers, numbers.slice(rows.slice(0, 10).flat(2).length));
    }
  }
});

test('A stream is read from a pipe in chunks of any size', async (t) => {
  const bytes = tableToIPC(threeBatches(), 'stream');
  for (const size of [1, 7, 64, bytes.length]) {
    const all = await readAll(await openArrow('-', { bytes: chunksOf(bytes, size) }));
    t.like(all, everything);
    t.true(all.shares.every((share) => share === undefined));
  }
});

test('Spans may be read in any order, into shared memory', async (t) => {
  for (const numbers of [new Float32(), new Float16()]) {
    const stream = await openBytes(t, tableToIPC(threeBatches({ x: listOf(numbers) }), 'file'));
    t.teardown(() => stream.close());
    const spans = [await stream.next(4), await stream.next(4), await stream.next(4)].reverse();
    const found = [];
    for (const span of spans) {
      if (span === undefined || 'error' in span) return t.fail();
      const length = countTokens(span.lengths) * width;
      const target = new Float32Array(new SharedArrayBuffer(length * 4));
      await t.throwsAsync(span.read(new Float32Array(length + 1)), { code: 'INVALID_SHAPE' });
      await span.read(target);
      found.unshift(...target);
    }
    t.deepEqual(found, countUp(7).flat());
  }
});

test('Rows of another width are refused as those of other formats', async (t) => {
  const path = await writeScratch(t, 'a.arrow', whole);
  await assertRefused(t, () => openArrow(path, { modelDim: 64 }), {
    code: 'INVALID_SHAPE',
    path,
    what: 'expected modelDim 64, as the weights have, got 2',
  });
});
