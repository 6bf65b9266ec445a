// Columns of sequences that say the width of tokens themselves, and those of single tokens.
import {
  Field,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  LargeList,
  List,
  Table,
  tableToIPC,
  vectorFromArray,
  type DataType,
} from 'apache-arrow';
import test from 'ava';
import { kinds, openBytes } from '../../../helpers/arrow-checks.js';
import { countUp, listOf, readAll, schemaOf } from '../../../helpers/arrow-tables.js';

const lists = [List, LargeList] as const;
const floats = [new Float32(), new Float16(), new Float64()] as const;
const item = (type: DataType): Field => new Field('item', type, true);

for (const kind of kinds) {
  for (const number of floats) {
    for (const Outer of lists) {
      for (const Inner of lists) {
        const type = new Outer(item(new Inner(item(number)) as DataType)) as DataType;
        test(`A ${kind} of ${schemaOf(type).fields.join()} is read`, async (t) => {
          const rows = [countUp(1), [], countUp(3, 2), countUp(2, 8)];
          const bytes = tableToIPC(new Table({ x: vectorFromArray(rows, type) }), kind);
          const { lengths, numbers } = await readAll(await openBytes(t, bytes));
          t.deepEqual(lengths, [1, 0, 3, 2]);
          t.deepEqual(numbers, countUp(6).flat());
        });
      }
    }

    for (const type of [new FixedSizeList(2, item(number)), new List(item(number))] as DataType[]) {
      test(`Each row of a ${kind} of ${schemaOf(type).fields.join()} is one token`, async (t) => {
        const table = new Table({ y: vectorFromArray(countUp(5), type) });
        for (const sequence of [0, 2]) {
          const stream = await openBytes(t, tableToIPC(table, kind), { start: { sequence } });
          const { lengths, numbers, spans } = await readAll(stream, 4);
          t.deepEqual(lengths, new Array<number>(5 - sequence).fill(1));
          t.deepEqual(numbers, countUp(5).slice(sequence).flat());
          t.is(spans[0], Math.min(4, 5 - sequence));
        }
      });
    }
  }
}

test('A token of another width, a null list, token or number damages its sequence alone', async (t) => {
  const type = new List(item(new List(item(new Float32()))));
  const rows = [countUp(1), [[1, 2], [3]], null, [null], [[1, null]], [[1, 2, 3]], countUp(2)];
  const { lengths, damages } = await readAll(
    await openBytes(t, tableToIPC(new Table({ x: vectorFromArray(rows, type) }))),
  );
  t.deepEqual(lengths, [1, 2]);
  const fields = ['2 numbers for `row 1.x[1]`, got `1`', '`row 2.x`', '`row 3.x[0]`', '`row 4.x[0][1]`', '2 numbers for `row 5.x[0]`, got `3`']; // prettier-ignore
  for (const [n, field] of fields.entries()) t.true(damages[n]!.message.includes(field), damages[n]!.message);

  for (const single of [
    new FixedSizeList(2, item(new Float32())),
    new List(item(new Float32())),
  ] as DataType[]) {
    const x = vectorFromArray([[1, 2], null, [3, null], [5, 6]], single);
    const all = await readAll(await openBytes(t, tableToIPC(new Table({ x }))));
    t.deepEqual(all.numbers, [1, 2, 5, 6]);
    t.true(all.damages[0]!.message.includes('`row 1.x`'), all.damages[0]!.message);
    t.true(all.damages[1]!.message.includes('`row 2.x[1]`'), all.damages[1]!.message);
  }
});

test('Of a column of sequences and one of single rows the first is read', async (t) => {
  const single = new FixedSizeList(2, item(new Float32()));
  const table = new Table({
    mean: vectorFromArray([[9, 9]], single),
    rows: vectorFromArray([countUp(2)], listOf()),
  });
  t.deepEqual((await readAll(await openBytes(t, tableToIPC(table)))).numbers, countUp(2).flat());
});
