// .jsonl, Arrow and Parquet: sequences as rows of tables.
import { Dictionary, Int32, tableToIPC, Utf8, Utf8View } from 'apache-arrow';
import { countUp, fileOf, makeTable, threeBatches, whole } from '../../helpers/arrow-tables.js';
import { compressedTable } from '../../helpers/compressed-tables.js';
import { listColumn, textColumn, writeTable } from '../../helpers/parquet-files.js';
import { columnOf, fileOf as parquetFileOf, groupOf, shred } from '../../helpers/parquet-pages.js';
import { damageBytes, damageNumber } from '../damage/bytes.js';
import { damageFlatbuffer } from '../damage/flatbuffer.js';
import { damageText } from '../damage/text.js';
import type { Draw } from '../draw.js';
import type { FuzzTarget } from '../target.js';
import { sequenceTarget } from './sequences.js';

const lists = [countUp(1), [], countUp(3, 2), countUp(2, 8)];

export const jsonl: FuzzTarget = sequenceTarget({
  ending: '.jsonl',
  createSeeds: () =>
    Promise.resolve([
      Buffer.from(lists.map((x, id) => `${JSON.stringify({ id: `s${id}`, x })}\n`).join('')),
      Buffer.from('[[1,2],[3,4]]\r\n\n{"x":[[1.5e-3,-2]],"note":{"a":[1,"ü"]},"id":7}\n'),
    ]),
  damage: (bytes, draw) =>
    draw.isLucky(0.8)
      ? Buffer.from(damageText(Buffer.from(bytes).toString(), draw))
      : damageBytes(bytes, draw),
});

const arrowFiles = {
  ending: '.arrow',
  createSeeds: () =>
    Promise.resolve([
      whole,
      fileOf(),
      tableToIPC(threeBatches(), 'stream'),
      tableToIPC(
        makeTable(lists, ['a', 'b', 'c', 'd'], { id: new Dictionary(new Utf8(), new Int32()) }),
        'file',
      ),
      tableToIPC(makeTable(lists, ['a', 'b', 'c', 'a view that is long'], { id: new Utf8View() }), 'stream'),
      compressedTable(threeBatches(), 'file', 'LZ4_FRAME'),
      compressedTable(makeTable([new Array<number[]>(300).fill([0, 0])]), 'stream', 'ZSTD'),
    ]),
  damage: (bytes: Uint8Array, draw: Draw) =>
    draw.pick([damageFlatbuffer, damageNumber, damageNumber, damageBytes])(bytes, draw),
};
export const arrow: FuzzTarget = sequenceTarget(arrowFiles);
export const arrowPiped: FuzzTarget = sequenceTarget({
  ...arrowFiles,
  // What has its footer at the end can't be read from its start on.
  createSeeds: async () =>
    (await arrowFiles.createSeeds()).filter(
      (bytes) => Buffer.from(bytes).toString('latin1', 0, 6) !== 'ARROW1',
    ),
  isPiped: true,
});

const parquetTable = (codec: 'UNCOMPRESSED' | 'SNAPPY', floats: 'f32' | 'f16'): Uint8Array =>
  writeTable({
    columns: [
      { name: 'id', data: ['a', null, 'ü', 'd'], elements: [textColumn] },
      { name: 'x', data: lists, elements: listColumn('x', 2, { floats }) },
    ],
    codec,
    rowGroupSize: 3,
  });

/** Numbers that repeat lie in dictionaries, others byte by byte; names are integers. */
const numbered = (): Uint8Array =>
  writeTable({
    columns: [
      {
        name: 'id',
        data: [1n, 2n ** 60n, -3n, 4n],
        elements: [{ name: 'id', type: 'INT64', repetition_type: 'REQUIRED' }],
      },
      { name: 'x', data: lists, elements: listColumn('x', 2), encoding: 'BYTE_STREAM_SPLIT' },
    ],
  });

const repeated = (): Uint8Array =>
  writeTable({
    columns: [
      { name: 'id', data: [1, 2, 3], elements: [{ name: 'id', type: 'INT32', repetition_type: 'OPTIONAL' }] },
      { name: 'x', data: new Array(3).fill(new Array(20).fill([1, 2])), elements: listColumn('x', 2) },
    ],
  });

/** Pages of the first kind, which most writers make, with rows that go on over them; and many row groups. */
const firstKind = (): Uint8Array[] => {
  const entries = shred(lists);
  return (['UNCOMPRESSED', 'SNAPPY'] as const).map((codec) => {
    const form = { version: 1, encoding: 'RLE_DICTIONARY', codec } as const;
    const pages = columnOf(entries, [5, entries.length - 5], form);
    const group = groupOf(pages, { values: entries.length, rows: lists.length, codec });
    return parquetFileOf(pages, new Array<typeof group>(codec === 'SNAPPY' ? 40 : 1).fill(group));
  });
};

export const parquet: FuzzTarget = sequenceTarget({
  ending: '.parquet',
  createSeeds: () =>
    Promise.resolve([
      parquetTable('UNCOMPRESSED', 'f32'),
      parquetTable('SNAPPY', 'f32'),
      parquetTable('UNCOMPRESSED', 'f16'),
      numbered(),
      repeated(),
      ...firstKind(),
    ]),
  damage: (bytes, draw) => {
    // Half of the time in the footer, which lies before the last 8 bytes and tells where all the rest is.
    if (draw.isLucky(0.5) || bytes.length < 12) return damageNumber(bytes, draw);
    const copy = Buffer.from(bytes);
    const begin = Math.max(0, copy.length - 8 - copy.readUInt32LE(copy.length - 8));
    damageNumber(copy.subarray(begin), draw).copy(copy, begin);
    return copy;
  },
});
