import { Dictionary, Float16, Float32, Float64, Int32, List, LargeList, Utf8, Utf8View } from 'apache-arrow';
import test from 'ava';
import { everything, kinds, openBytes, patched, refuses } from '../../../helpers/arrow-checks.js';
import {
  chunksOf,
  countUp,
  listOf,
  makeTable,
  openArrow,
  readAll,
  threeBatches,
} from '../../../helpers/arrow-tables.js';
import { compressedTable } from '../../../helpers/compressed-tables.js';

/** Numbers that compress: `tokens` tokens of zeros, and a few others. */
const long = [...Array.from({ length: 200 }, () => [0, 0]), ...countUp(3)];

for (const codec of ['LZ4_FRAME', 'ZSTD'] as const) {
  for (const kind of kinds) {
    for (const numbers of [new Float32(), new Float16(), new Float64()]) {
      for (const ListType of [List, LargeList]) {
        test(`A ${kind} of ${ListType.name}s of ${numbers.toString()} in ${codec} is read`, async (t) => {
          const x = listOf(numbers, ListType);
          t.like(
            await readAll(await openBytes(t, compressedTable(threeBatches({ x }), kind, codec))),
            everything,
          );
          const table = makeTable([long, countUp(1), long], ['a', null, 'c'.repeat(500)], { x });
          const all = await readAll(await openBytes(t, compressedTable(table, kind, codec)));
          t.like(all, { lengths: [203, 1, 203], names: ['a', null, 'c'.repeat(500)] });
          t.deepEqual(all.numbers, [...long, ...countUp(1), ...long].flat());
        });
      }
    }

    test(`A ${kind} in ${codec} goes on at any sequence, and nulls damage theirs alone`, async (t) => {
      const rows = [countUp(1), null, [[1, null]], ...Array.from({ length: 70 }, () => [[0, 0]])];
      const bytes = compressedTable(makeTable(rows), kind, codec);
      const { damages } = await readAll(await openBytes(t, bytes));
      t.deepEqual(damages.map(({ sequence }) => sequence), [1, 2]); // prettier-ignore
      t.is((await readAll(await openBytes(t, bytes, { start: { sequence: 40 } }))).lengths.length, 33);
    });
  }

  test(`Names in ${codec} are texts, views or indices of a dictionary`, async (t) => {
    const names = Array.from({ length: 90 }, (_, row) => 'a name longer than a view '.repeat(1 + (row % 3)));
    for (const id of [new Utf8(), new Utf8View(), new Dictionary(new Utf8(), new Int32())]) {
      const bytes = compressedTable(makeTable(names.map(() => [[0, 0]]), names, { id }), 'stream', codec); // prettier-ignore
      t.deepEqual((await readAll(await openBytes(t, bytes))).names, names);
      t.deepEqual((await readAll(await openArrow('-', { bytes: chunksOf(bytes, 99) }))).names, names);
    }
  });

  const file = compressedTable(makeTable([long]), 'file', codec);
  const magic = Buffer.from(codec === 'ZSTD' ? '28b52ffd' : '04224d18', 'hex');
  const lastFrame = file.lastIndexOf(magic);
  test(`a ${codec} of another magic`, refuses, patched(file, (copy) => copy.fill(1, lastFrame, lastFrame + 4)), `well-formed ${codec} for \`recordBatches[0].buffers[4]\``); // prettier-ignore
  test(`a ${codec} of no length`, refuses, patched(file, (copy) => copy.writeBigInt64LE(-2n, lastFrame - 8)), 'its length is -2'); // prettier-ignore
  test(`a ${codec} of any length`, refuses, patched(file, (copy) => copy.writeBigInt64LE(2n ** 50n, lastFrame - 8)), 'instead of at most'); // prettier-ignore
  test(`a ${codec} of fewer numbers`, refuses, patched(file, (copy) => copy.writeBigInt64LE(0n, lastFrame - 8)), 'at least 1624 bytes for `recordBatches[0].buffers[4]`, got `0`'); // prettier-ignore
}
