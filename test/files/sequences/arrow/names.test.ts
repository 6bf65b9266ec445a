import {
  Dictionary,
  Int32,
  Int64,
  Int8,
  LargeUtf8,
  Message,
  RecordBatchStreamWriter,
  Schema,
  tableToIPC,
  Uint64,
  Utf8,
  Utf8View,
  type DataType,
} from 'apache-arrow';
import { BufferRegion, FieldNode, RecordBatch } from 'apache-arrow/ipc/metadata/message';
import test, { type ExecutionContext } from 'ava';
import { assertRefused } from '../../../helpers/assertions.js';
import { kinds, openBytes, patched } from '../../../helpers/arrow-checks.js';
import {
  countUp,
  endOfStream,
  frame,
  makeTable,
  readAll,
  schemaMessage,
} from '../../../helpers/arrow-tables.js';

const named = test.macro({
  title: (title) => `Sequences are called by ${title ?? ''}`,
  exec: async (t: ExecutionContext, type: DataType, ids: unknown[], names: unknown[]) => {
    const table = makeTable(ids.map(() => countUp(1)), ids, { id: type }); // prettier-ignore
    for (const kind of kinds) {
      t.deepEqual((await readAll(await openBytes(t, tableToIPC(table, kind)), 2)).names, names as string[]);
    }
  },
});

const texts = ['a', null, 'twelve bytes', 'longer than a view holds', 'ü'];
test('texts', named, new Utf8(), texts, texts);
test('long texts', named, new LargeUtf8(), texts, texts);
test('views of texts', named, new Utf8View(), texts, texts);
test('small integers', named, new Int8(), [1, null, -3], [1, null, -3]);
test('64-bit integers', named, new Int64(), [1n, null, -(2n ** 53n)], [1, null, String(-(2n ** 53n))]);
test('unsigned 64-bit integers', named, new Uint64(), [2n ** 64n - 1n], ['18446744073709551615']);
test(
  'a dictionary',
  named,
  new Dictionary(new Utf8(), new Int8()),
  ['b', 'a', null, 'b'],
  ['b', 'a', null, 'b'],
);

test('Dictionaries that grow or are replaced between batches apply to the batches after them', async (t) => {
  const type = new Dictionary(new Utf8(), new Int32(), 7);
  const table = makeTable([[], []], ['a', 'b'], { id: type }).concat(makeTable([[]], ['c'], { id: type }));
  const writer = new RecordBatchStreamWriter();
  writer.writeAll(table);
  t.deepEqual((await readAll(await openBytes(t, writer.finish().toUint8Array(true)))).names, ['a', 'b', 'c']);
});

test('A name that is no UTF-8, or an index of no name, damages its sequence alone', async (t) => {
  const broken = patched(tableToIPC(makeTable([[], countUp(1), []], ['aaa', 'bbb', 'ccc'])), (copy) => copy.fill(0xff, copy.indexOf('bbb'), copy.indexOf('ccc'))); // prettier-ignore
  const utf8 = await readAll(await openBytes(t, broken));
  t.deepEqual(utf8.names, ['aaa', 'ccc']);
  t.true(utf8.damages[0]!.message.includes('UTF-8 for `row 1.id`'), utf8.damages[0]!.message);

  const type = new Dictionary(new Utf8(), new Int32());
  const indices = Buffer.from(Int32Array.of(0, 1, 0).buffer);
  const beyond = patched(tableToIPC(makeTable([[], countUp(1), []], ['a', 'b', 'a'], { id: type })), (copy) => copy.writeInt32LE(2, copy.lastIndexOf(indices) + 4)); // prettier-ignore
  const indexed = await readAll(await openBytes(t, beyond));
  t.deepEqual(indexed.names, ['a', 'a']);
  t.true(indexed.damages[0]!.message.includes('its dictionary of 2 for `row 1.id`, got `2`'), indexed.damages[0]!.message); // prettier-ignore
});

test('Views of names that leave their buffer damage a sequence, and those that share it too often the file', async (t) => {
  const long = 'a text that is longer than twelve bytes';
  const table = makeTable(Array.from({ length: 40 }, () => []), Array.from({ length: 40 }, () => long), { id: new Utf8View() }); // prettier-ignore
  const written = Buffer.from(tableToIPC(table));
  const viewAt = written.indexOf(Buffer.concat([Buffer.from([long.length, 0, 0, 0]), Buffer.from('a te')]));
  const outside = await readAll(
    await openBytes(
      t,
      patched(written, (copy) => copy.writeInt32LE(2 ** 20, viewAt + 12)),
    ),
  );
  t.is(outside.names.length, 39);
  t.true(outside.damages[0]!.message.includes('a text inside its buffer for `row 0.id`'), outside.damages[0]!.message); // prettier-ignore
  const shared = patched(written, (copy) => {
    for (let row = 0; row < 40; row++) copy.writeInt32LE(2 ** 20, viewAt + 16 * row);
  });
  await assertRefused(t, async () => readAll(await openBytes(t, shared)), {
    code: 'INVALID_FILE',
    what: 'bytes of text',
  });
});

test('Buffers of views that overlap are refused before they are read', async (t) => {
  const { fields } = makeTable([], [], { id: new Utf8View() }).schema;
  const refuse = async (viewCounts: number[], regions: [number, number][], what: string) => {
    const nodes = [0, 0, 0, 0].map((length) => new FieldNode(length, 0));
    const buffers = [[0, 0], [0, 0], ...regions, [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]; // prettier-ignore
    const places = buffers.map(([offset, length]) => new BufferRegion(offset!, length!));
    const records = new RecordBatch(0, nodes, places, null, viewCounts);
    const batch = frame(Message.encode(Message.from(records, 16)), new Uint8Array(16));
    const file = Buffer.concat([schemaMessage(new Schema(fields)), batch, endOfStream]);
    await assertRefused(t, async () => readAll(await openBytes(t, file)), { code: 'INVALID_FILE', what });
  };
  await refuse([3], [[0, 16], [0, 16], [0, 16]], 'at most 16 bytes of text for `message 1.buffers[2]`, got `48`'); // prettier-ignore
  await refuse([-3], [[0, 16]], '7, as the schema has for `message 1.buffers`, got `8`');
});
