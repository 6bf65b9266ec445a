import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  CompressionType,
  Dictionary,
  Field,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int32,
  Int64,
  Int8,
  LargeList,
  LargeUtf8,
  List,
  Message,
  MetadataVersion,
  Null,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Uint64,
  Utf8,
  Utf8View,
  vectorFromArray,
  type DataType,
} from 'apache-arrow';
import { FileBlock, Footer } from 'apache-arrow/ipc/metadata/file';
import { BodyCompression, BufferRegion, FieldNode, RecordBatch } from 'apache-arrow/ipc/metadata/message';
import { HeadpoolError } from '../../../src/errors.js';
import { createArrowFormat } from '../../../src/files/sequences/arrow-format.js';
import { loadArrow } from '../../../src/files/sequences/arrow/load-arrow.js';
import { countTokens } from '../../../src/files/sequences/layout.js';
import { createRandom } from '../../../src/tensor/random.js';
import { makeFolder } from '../../helpers/make-folder.js';
import { rejects, writeScratch } from '../scratch.js';
import {
  batchMessage,
  chunksOf,
  countUp,
  endOfStream,
  frame,
  listOf,
  makeTable,
  openArrow,
  readAll,
  schemaMessage,
  schemaOf,
  streamFile,
  width,
  type BatchParts,
} from './arrow-tables.js';

const kinds = ['stream', 'file'] as const;

/** Three batches of 3, 1 and 2 sequences, of 1, 0, 3; 2; 1 and 4 tokens. */
const threeBatches = (types: Parameters<typeof makeTable>[2] = {}) =>
  makeTable([countUp(1), [], countUp(3, 2)], ['a', null, 'ü'], types).concat(
    makeTable([countUp(2, 8)], ['d'], types),
    makeTable([countUp(1, 12), countUp(4, 14)], ['e', ''], types),
  );

const everything = {
  lengths: [1, 0, 3, 2, 1, 4],
  names: ['a', null, 'ü', 'd', 'e', ''],
  numbers: countUp(11).flat(),
  damages: [],
};

const open = async (t: ExecutionContext, bytes: Uint8Array, source?: Parameters<typeof openArrow>[1]) =>
  openArrow(await writeScratch(t, 'a.arrow', bytes), source);

for (const kind of kinds) {
  for (const numbers of [new Float32(), new Float16(), new Float64()]) {
    for (const ListType of [List, LargeList]) {
      const x = listOf(numbers, ListType);
      test(`Every row of a ${kind} of ${ListType.name}s of ${numbers.toString()} is a sequence`, async (t) => {
        const stream = await open(t, tableToIPC(threeBatches({ x }), kind));
        t.like(stream, { form: 'packed', layout: undefined });
        t.like(await readAll(stream), everything);
      });
    }
  }

  test(`Spans of a ${kind} hold as many tokens as asked for and never cross record batches`, async (t) => {
    const bytes = tableToIPC(threeBatches(), kind);
    t.deepEqual((await readAll(await open(t, bytes), 1)).spans, [2, 1, 1, 1, 1]);
    t.deepEqual((await readAll(await open(t, bytes), 3)).spans, [2, 1, 1, 1, 1]);
    t.deepEqual((await readAll(await open(t, bytes), 4)).spans, [3, 1, 1, 1]);
    const { spans, shares } = await readAll(await open(t, bytes), Infinity);
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
    await rejects(t, () => openArrow(path, { start: { sequence: 7 } }), {
      code: 'INVALID_FILE',
      path,
      what: 'at least 7 for `sequences`, got `6`',
    });
  });

  test(`A ${kind} without sequences ends at once`, async (t) => {
    t.deepEqual((await readAll(await open(t, tableToIPC(makeTable([]), kind)))).lengths, []);
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
  const { damages } = await readAll(await open(t, tableToIPC(table, 'file')));
  t.is(damages.length, 1);
  t.true(damages[0]!.message.includes('`row 3.x`'), damages[0]!.message);
});

test('A null is found among many numbers', async (t) => {
  for (const [token, index] of [[0, 0], [3, 1], [4, 0], [39, 1]] as const) {
    const row: (number | null)[][] = countUp(40);
    row[token]![index] = null;
    const { lengths, damages } = await readAll(await open(t, tableToIPC(makeTable([countUp(1), row, countUp(2)]))));
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
    const stream = await open(t, tableToIPC(new Table(schema, table.batches), kind));
    t.deepEqual(stream.metadata, new Map([['kernel', 'native']]));
    t.like(await readAll(stream), {
      lengths: [1, 2],
      names: [undefined, undefined],
      numbers: countUp(3).flat(),
    });
  }
});

const named = test.macro({
  title: (title) => `Sequences are called by ${title ?? ''}`,
  exec: async (t: ExecutionContext, type: DataType, ids: unknown[], names: unknown[]) => {
    const table = makeTable(ids.map(() => countUp(1)), ids, { id: type }); // prettier-ignore
    for (const kind of kinds) {
      t.deepEqual((await readAll(await open(t, tableToIPC(table, kind)), 2)).names, names as string[]);
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

test('Dictionaries that grow or are replaced between batches apply to the batches behind them', async (t) => {
  const type = new Dictionary(new Utf8(), new Int32(), 7);
  const table = makeTable([[], []], ['a', 'b'], { id: type }).concat(makeTable([[]], ['c'], { id: type }));
  const writer = new RecordBatchStreamWriter();
  writer.writeAll(table);
  t.deepEqual((await readAll(await open(t, writer.finish().toUint8Array(true)))).names, ['a', 'b', 'c']);
});

test('Batches of many rows, and many batches, are read whole', async (t) => {
  const count = 20_000; // The offsets alone are larger than what is read ahead.
  const rows = Array.from({ length: count }, (_, row) => countUp(row % 3, row));
  const numbers = rows.flat(2);
  const single = makeTable(rows);
  const parts = Array.from({ length: 500 }, (_, part) => makeTable(rows.slice(part * 40, part * 40 + 40)));
  for (const table of [single, parts[0]!.concat(...parts.slice(1))]) {
    for (const kind of kinds) {
      const all = await readAll(await open(t, tableToIPC(table, kind), { start: { sequence: 10 } }), 1000);
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
    const stream = await open(t, tableToIPC(threeBatches({ x: listOf(numbers) }), 'file'));
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

// --- refusals ---

const refuses = test.macro({
  title: (title) => `An Arrow file is refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, bytes: Uint8Array, what: string) => {
    const path = await writeScratch(t, 'a.arrow', bytes);
    const started = performance.now();
    await rejects(t, async () => readAll(await openArrow(path)), {
      code: 'INVALID_FILE',
      path: `${path}: `,
      what,
    });
    t.true(performance.now() - started < 1000, 'took more than a second');
  },
});

/** Refused from a file and from a pipe. */
function refusesStream(title: string, bytes: Uint8Array, what: string): void {
  test(title, refuses, bytes, what);
  test(`A pipe is refused: ${title}`, async (t) => {
    await rejects(t, async () => readAll(await openArrow('-', { bytes: chunksOf(bytes, 50) })), {
      code: 'INVALID_FILE',
      path: '-: ',
      what,
    });
  });
}

const whole = streamFile(batchMessage());
const patched = (bytes: Uint8Array, patch: (copy: Buffer) => unknown): Buffer => {
  const copy = Buffer.from(bytes);
  patch(copy);
  return copy;
};

test('The file that the refused ones are made from is fine', async (t) => {
  t.like(await readAll(await open(t, whole)), { lengths: [1, 2], numbers: countUp(3).flat() });
});

const schemaBytes = schemaMessage().length;
refusesStream('nothing', Buffer.alloc(0), '`message 0`, got nothing');
refusesStream('text', Buffer.from('id,x\n1,2\n3,4\n'), '`message 0`, got `"id,x');
refusesStream('a few bytes', whole.subarray(0, 5), '`message 0`');
refusesStream('a cut schema', whole.subarray(0, 60), '`message 0.metadata`, got `52`');
refusesStream('a cut record batch', whole.subarray(0, -9), '40 bytes for `message 1.body`, got `39`');
refusesStream(
  'no end of the stream',
  whole.subarray(0, -8),
  'end-of-stream marker for `message 2`, got nothing',
);
refusesStream(
  'two streams in one',
  Buffer.concat([whole, whole]),
  'nothing behind the end of the stream for `data`',
);
refusesStream('a schema in the middle', streamFile(schemaMessage()), 'a single schema for `message 1`');
refusesStream(
  'no schema',
  Buffer.concat([batchMessage(), endOfStream]),
  'a schema for `message 0`, got `"records"`',
);
refusesStream('only an end', endOfStream, 'a schema for `message 0`, got nothing');
for (const length of [-8, 1, 2 ** 31 - 1]) {
  refusesStream(`metadata of ${length} bytes`, patched(whole, (copy) => copy.writeInt32LE(length, schemaBytes + 4)), `\`message 1.metadata\`, got \`${length}\``); // prettier-ignore
}
refusesStream('metadata longer than the file', patched(whole, (copy) => copy.writeInt32LE(2 ** 27, 4)), '`message 0.metadata`'); // prettier-ignore
refusesStream(
  'a body longer than the file',
  streamFile(batchMessage({ bodyLength: 2 ** 50 })),
  '`message 1.body`',
);
refusesStream('a body of negative length', streamFile(batchMessage({ bodyLength: -8 })), '`message 1.bodyLength`, got `-8n`'); // prettier-ignore
refusesStream('a root outside', patched(whole, (copy) => copy.writeUInt32LE(2 ** 31, schemaBytes + 8)), 'well-formed metadata for `message 1`'); // prettier-ignore

const lies = (title: string, parts: BatchParts, what: string): void => {
  refusesStream(title, streamFile(batchMessage(parts)), what);
};
const usual = [[0, 0], [0, 12], [16, 0], [16, 0], [16, 24]] as const; // prettier-ignore
lies('list offsets below 0', { offsets: [-1, 1, 3] }, '`message 1.buffers[1][0]`, got `-1`');
lies('list offsets that fall', { offsets: [0, 2, 1] }, '2 to 3 for `message 1.buffers[1][2]`, got `1`');
lies('list offsets behind the rows', { offsets: [0, 1, 4] }, '`message 1.buffers[1][2]`, got `4`');
lies('more rows than columns have', { length: 3 }, '`message 1.nodes[0].length`, got `2`');
lies('rows without end', { length: 2 ** 52, nodes: [[2 ** 52, 0], [3, 0], [6, 0]] }, '`message 1.buffers[1]`, got `12`'); // prettier-ignore
lies('rows below 0', { length: -1 }, '`message 1.length`, got `-1`');
lies('fewer numbers than rows need', { nodes: [[2, 0], [3, 0], [5, 0]] }, '`message 1.nodes[2].length`, got `5`'); // prettier-ignore
lies('a negative length', { nodes: [[2, 0], [-3, 0], [6, 0]] }, '`message 1.nodes[1].length`, got `-3`'); // prettier-ignore
lies('more nulls than elements', { nodes: [[2, 3], [3, 0], [6, 0]] }, '`message 1.nodes[0].nullCount`, got `3`'); // prettier-ignore
lies('nulls without a bitmap', { nodes: [[2, 1], [3, 0], [6, 0]] }, '`message 1.buffers[0]`, got `0`'); // prettier-ignore
lies('too few nodes', { nodes: [[2, 0], [3, 0]] }, '3, as the schema has for `message 1.nodes`, got `2`'); // prettier-ignore
lies('too many buffers', { buffers: [...usual, [0, 0]] }, '`message 1.buffers`, got `6`');
lies(
  'a buffer behind the body',
  { buffers: [...usual.slice(0, 4), [24, 24]] },
  '`message 1.buffers[4]`, got `[24,24]`',
);
lies(
  'a buffer before the body',
  { buffers: [...usual.slice(0, 4), [-8, 24]] },
  '`message 1.buffers[4]`, got `[-8,24]`',
);
lies('a buffer of negative length', { buffers: [...usual.slice(0, 4), [16, -24]] }, '`message 1.buffers[4]`');
lies('a buffer that is too short', { buffers: [...usual.slice(0, 4), [16, 23]] }, '24 bytes for `message 1.buffers[4]`, got `23`'); // prettier-ignore

const compressed = new RecordBatch(0, [], [], new BodyCompression(CompressionType.ZSTD));
refusesStream('a compressed body', streamFile(frame(Message.encode(Message.from(compressed)))), 'write the file uncompressed) for `message 1.compression`'); // prettier-ignore

/** A message whose schema is an empty table: of endianness `endianness`, if not 0. */
function minimalMessage({ version = 4, headerType = 1, endianness = 0 }): Buffer {
  const bytes = Buffer.alloc(48);
  bytes.writeUInt32LE(16, 0); // Root: the message's table at 16.
  Buffer.from([10, 0, 12, 0, 8, 0, 10, 0, 4, 0]).copy(bytes, 4); // Its vtable: version at 8, type at 10, header at 4.
  bytes.writeInt32LE(12, 16);
  bytes.writeUInt32LE(12, 20); // The header's table at 32.
  bytes.writeInt16LE(version, 24);
  bytes.writeUInt8(headerType, 26);
  bytes.writeInt32LE(-8, 32); // Its vtable at 40: endianness at 4.
  bytes.writeInt16LE(endianness, 36);
  Buffer.from([6, 0, 8, 0, 4, 0]).copy(bytes, 40);
  return frame(bytes);
}
refusesStream(
  'a schema without columns',
  Buffer.concat([minimalMessage({}), endOfStream]),
  'for `columns`, got `[]`',
);
refusesStream('big-endian numbers', minimalMessage({ endianness: 1 }), 'its numbers are big-endian');
refusesStream('metadata of before V4', minimalMessage({ version: 2 }), '`message 0.version`, got `2`');
refusesStream('a tensor', Buffer.concat([schemaMessage(), minimalMessage({ headerType: 4 })]), 'well-formed metadata for `message 1`'); // prettier-ignore

const nested = (depth: number): DataType =>
  depth === 0 ? new Int8() : new List(new Field('item', nested(depth - 1)));
refusesStream('types without end', schemaMessage(schemaOf(nested(100))), 'nested more than 64 deep');

/** A schema whose only column is a list of two lists, each of which is the same list of two lists, and so on. */
function endlessSchema(depth: number): Buffer {
  const bytes = Buffer.alloc(84 + 20 * depth);
  bytes.writeUInt32LE(16, 0); // Root: the message's table at 16.
  Buffer.from([10, 0, 12, 0, 8, 0, 10, 0, 4, 0]).copy(bytes, 4); // As in a minimal message.
  bytes.writeInt32LE(12, 16);
  bytes.writeUInt32LE(28, 20); // The schema at 48.
  bytes.writeInt16LE(4, 24);
  bytes.writeUInt8(1, 26);
  Buffer.from([16, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]).copy(bytes, 28); // A field: children at 4.
  bytes.writeInt32LE(-8, 48); // Its vtable at 56: columns at 4.
  bytes.writeUInt32LE(12, 52); // The list of columns at 64.
  Buffer.from([8, 0, 8, 0, 0, 0, 4, 0]).copy(bytes, 56);
  bytes.writeUInt32LE(1, 64);
  bytes.writeUInt32LE(4, 68); // The first column at 72.
  for (let at = 72; at < 72 + 20 * depth; at += 20) {
    bytes.writeInt32LE(at - 28, at);
    bytes.writeUInt32LE(4, at + 4);
    bytes.writeUInt32LE(2, at + 8);
    bytes.writeUInt32LE(8, at + 12); // Both children are the next field.
    bytes.writeUInt32LE(4, at + 16);
  }
  bytes.writeInt32LE(72 + 20 * depth - 56, 72 + 20 * depth); // The last one is an empty table, of the schema's kind.
  return frame(bytes);
}
refusesStream('few types that contain each other', endlessSchema(3), 'for `columns`, got');
refusesStream(
  'many types that contain each other',
  endlessSchema(40),
  'parts of the metadata contain each other',
);

test('Any number in place of an offset or a count of the metadata is refused within a second', async (t) => {
  const metadata = Message.encode(Message.from(schemaOf(nested(40))));
  let refused = 0;
  for (let at = 0; at + 4 <= metadata.length; at += 4) {
    // Every offset and count in turn becomes a large number, or leads back to the beginning.
    for (const number of [2 ** 28, 2 ** 31, 2 ** 32 - at, 0x7fffffff]) {
      const bytes = patched(metadata, (copy) => copy.writeUInt32LE(number % 2 ** 32, at));
      const started = performance.now();
      await t.throwsAsync(async () => open(t, frame(bytes)), { instanceOf: HeadpoolError });
      t.true(performance.now() - started < 1000, `took more than a second at ${at}`);
      refused++;
    }
  }
  t.true(refused > 500);
});

const fileOf = (table = threeBatches()): Buffer => Buffer.from(tableToIPC(table, 'file'));
const footerAt = (bytes: Buffer): number => bytes.length - 10 - bytes.readInt32LE(bytes.length - 10);

/** The file with a footer of other blocks: [offset, metadata, body] each. */
function refooted(
  blocks: (blocks: FileBlock[]) => FileBlock[],
  kind: 'records' | 'dictionaries' = 'records',
): Buffer {
  const bytes = fileOf();
  const old = Footer.decode(bytes.subarray(footerAt(bytes), -10));
  const changed = blocks([...old.recordBatches()]);
  const footer = Footer.encode(
    kind === 'records'
      ? new Footer(old.schema, MetadataVersion.V5, changed, [])
      : new Footer(old.schema, MetadataVersion.V5, [], changed),
  );
  const length = Buffer.alloc(4);
  length.writeInt32LE(footer.length);
  return Buffer.concat([bytes.subarray(0, footerAt(bytes)), footer, length, Buffer.from('ARROW1')]);
}

const moved = ({ metaDataLength, bodyLength, offset }: FileBlock, by: Partial<FileBlock>): FileBlock =>
  new FileBlock(by.metaDataLength ?? metaDataLength, by.bodyLength ?? bodyLength, by.offset ?? offset);

test('A footer that was put together anew is fine', async (t) => {
  t.like(
    await readAll(
      await open(
        t,
        refooted((blocks) => blocks),
      ),
    ),
    everything,
  );
});
test(
  'a file cut in the middle',
  refuses,
  fileOf().subarray(0, 500),
  'a footer that ends in ARROW1 for `footer`',
);
test('only the magic', refuses, Buffer.from('ARROW1\0\0'), 'at least 18 bytes for `file`, got `8`');
test('only two magics', refuses, Buffer.from('ARROW1\0\0\0\0\0\0ARROW1'), '`footer`, got `0`');
for (const length of [-1, 7, 2 ** 30]) {
  test(`a footer of ${length} bytes`, refuses, patched(fileOf(), (copy) => copy.writeInt32LE(length, copy.length - 10)), `\`footer\`, got \`${length}\``); // prettier-ignore
}
test('a footer of noise', refuses, patched(fileOf(), (copy) => copy.fill(0xa5, footerAt(copy), copy.length - 10)), 'well-formed metadata for `footer`'); // prettier-ignore
test('a block before the file', refuses, refooted(([first]) => [moved(first!, { offset: -8 })]), '`footer.recordBatches[0].offset`, got `-8`'); // prettier-ignore
test('a block behind the file', refuses, refooted(([first]) => [moved(first!, { offset: 2 ** 40 })]), '`footer.recordBatches[0].offset`'); // prettier-ignore
test(
  'a block twice',
  refuses,
  refooted(([first]) => [first!, first!]),
  '`footer.recordBatches[1].offset`',
);
test('a block in the middle of a message', refuses, refooted(([first]) => [moved(first!, { offset: 16 })]), '`recordBatches[0]`'); // prettier-ignore
test('a block with other metadata', refuses, refooted(([first]) => [moved(first!, { metaDataLength: 8 })]), 'as the message has, for `footer.recordBatches[0]`'); // prettier-ignore
test('a block with another body', refuses, refooted(([first]) => [moved(first!, { bodyLength: 2 ** 40 })]), 'as the message has, for `footer.recordBatches[0]`'); // prettier-ignore
test('a block of another kind', refuses, refooted((blocks) => blocks, 'dictionaries'), 'dictionary for `dictionaries[0].header`, got `"records"`'); // prettier-ignore

test('The file format can’t be read from a pipe, which the error says', async (t) => {
  await rejects(t, () => openArrow('-', { bytes: chunksOf(fileOf(), 100) }), {
    code: 'INVALID_FILE',
    path: '-: ',
    what: 'the file format can’t be read from a pipe',
  });
});

const refusesTable = test.macro({
  title: (title) => `Columns are refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, table: Table, what: string) => {
    for (const kind of kinds) {
      const path = await writeScratch(t, 'a.arrow', tableToIPC(table, kind));
      await rejects(t, () => openArrow(path), { code: 'INVALID_FILE', path, what });
    }
  },
});
const lists = vectorFromArray([countUp(1)], listOf());
const flat = vectorFromArray([[1, 2]], new FixedSizeList(width, new Field('item', new Float32())));
const bytes = vectorFromArray([[[1, 2]]], listOf(new Int8()));
test(
  'none of sequences',
  refusesTable,
  new Table({ y: flat }),
  'for `columns`, got `["y: FixedSizeList[2]<Float32>"]`',
);
test('two of sequences, neither called x', refusesTable, new Table({ y: lists, z: lists }), 'got `["y: List<FixedSizeList'); // prettier-ignore
test('x of rows', refusesTable, new Table({ x: flat, y: lists }), 'got `["x: FixedSizeList[2]<Float32>"');
test('x of integers', refusesTable, new Table({ x: bytes }), 'got `["x: List<FixedSizeList[2]<Int8>>"]`');
test('id of floats', refusesTable, makeTable([[]], [1], { id: new Float32() }), 'texts or integers for `id`, got `"Float32"`'); // prettier-ignore

test('Rows of another width are refused as those of other formats', async (t) => {
  const path = await writeScratch(t, 'a.arrow', whole);
  await rejects(t, () => openArrow(path, { modelDim: 64 }), {
    code: 'INVALID_SHAPE',
    path,
    what: 'expected modelDim 64, as the weights have, got 2',
  });
});

test('A name that is no UTF-8, or an index of no name, damages its sequence alone', async (t) => {
  const broken = patched(tableToIPC(makeTable([[], countUp(1), []], ['aaa', 'bbb', 'ccc'])), (copy) => copy.fill(0xff, copy.indexOf('bbb'), copy.indexOf('ccc'))); // prettier-ignore
  const utf8 = await readAll(await open(t, broken));
  t.deepEqual(utf8.names, ['aaa', 'ccc']);
  t.true(utf8.damages[0]!.message.includes('UTF-8 for `row 1.id`'), utf8.damages[0]!.message);

  const type = new Dictionary(new Utf8(), new Int32());
  const indices = Buffer.from(Int32Array.of(0, 1, 0).buffer);
  const beyond = patched(tableToIPC(makeTable([[], countUp(1), []], ['a', 'b', 'a'], { id: type })), (copy) => copy.writeInt32LE(2, copy.lastIndexOf(indices) + 4)); // prettier-ignore
  const indexed = await readAll(await open(t, beyond));
  t.deepEqual(indexed.names, ['a', 'a']);
  t.true(indexed.damages[0]!.message.includes('its dictionary of 2 for `row 1.id`, got `2`'), indexed.damages[0]!.message); // prettier-ignore
});

test('Views of names that leave their buffer damage a sequence, and those that share it too often the file', async (t) => {
  const long = 'a text that is longer than twelve bytes';
  const table = makeTable(Array.from({ length: 40 }, () => []), Array.from({ length: 40 }, () => long), { id: new Utf8View() }); // prettier-ignore
  const written = Buffer.from(tableToIPC(table));
  const viewAt = written.indexOf(Buffer.concat([Buffer.from([long.length, 0, 0, 0]), Buffer.from('a te')]));
  const outside = await readAll(
    await open(
      t,
      patched(written, (copy) => copy.writeInt32LE(2 ** 20, viewAt + 12)),
    ),
  );
  t.is(outside.names.length, 39);
  t.true(outside.damages[0]!.message.includes('a text inside its buffer for `row 0.id`'), outside.damages[0]!.message); // prettier-ignore
  const shared = patched(written, (copy) => {
    for (let row = 0; row < 40; row++) copy.writeInt32LE(2 ** 20, viewAt + 16 * row);
  });
  await rejects(t, async () => readAll(await open(t, shared)), {
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
    await rejects(t, async () => readAll(await open(t, file)), { code: 'INVALID_FILE', what });
  };
  await refuse([3], [[0, 16], [0, 16], [0, 16]], 'at most 16 bytes of text for `message 1.buffers[2]`, got `48`'); // prettier-ignore
  await refuse([-3], [[0, 16]], '7, as the schema has for `message 1.buffers`, got `8`');
});

test('What ended a stream is said again, and is not taken for its end', async (t) => {
  const broken = streamFile(batchMessage(), batchMessage({ offsets: [0, 2, 1] }), batchMessage());
  const stream = await open(t, broken);
  t.teardown(() => stream.close());
  t.like(await stream.next(100), { lengths: [1, 2], end: { sequence: 2 } });
  const first = await t.throwsAsync(stream.next(100), { code: 'INVALID_FILE' });
  t.is(await t.throwsAsync(stream.next(100)), first);
});

test('A missing file, and a failing pipe, are the system’s errors', async (t) => {
  const path = join(await makeFolder(t), 'a.arrow');
  await rejects(t, () => openArrow(path), { code: 'FILE_FAILED', path, what: 'ENOENT' });
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(whole.subarray(0, 100));
    throw new Error('the writer is gone');
  }
  await rejects(t, () => openArrow('-', { bytes: failing() }), {
    code: 'FILE_FAILED',
    path: '-: ',
    what: 'the writer is gone',
  });
});

test('A file that shrinks under way is refused', async (t) => {
  const tokens = 10_000; // More than is read ahead.
  const path = await writeScratch(t, 'a.arrow', tableToIPC(makeTable([countUp(tokens)]), 'file'));
  const stream = await openArrow(path);
  t.teardown(() => stream.close());
  const span = await stream.next(tokens);
  if (span === undefined || 'error' in span) return t.fail();
  await writeFile(path, 'short');
  const read = () => span.read(new Float32Array(tokens * width));
  await rejects(t, read, { code: 'INVALID_FILE', path, what: '`data`' });
});

test('Where the package is missing, the error says what to install', async (t) => {
  const cause = Object.assign(new Error("Cannot find package 'apache-arrow'"), {
    code: 'ERR_MODULE_NOT_FOUND',
  });
  const format = createArrowFormat(() => loadArrow(() => Promise.reject(cause)));
  const missing = { code: 'INVALID_OPTION', what: 'npm install apache-arrow' } as const;
  await rejects(t, () => format.openStream({ path: 'a.arrow', modelDim: width }), missing);
  const outline = {
    path: 'a.arrow',
    form: 'packed',
    modelDim: width,
    dtype: 'f32',
    isPooled: false,
  } as const;
  await rejects(t, () => format.createEncoder!({ ...outline, metadata: new Map() }), missing);
  const error = await t.throwsAsync(loadArrow(() => Promise.reject(cause)));
  t.is(error.cause, cause);
});

test('Damaged bytes give sequences or an error of ours, and an end', async (t) => {
  const random = createRandom(20);
  const below = (limit: number): number => Math.floor(random.uniform() * limit);
  const dictionary = { id: new Dictionary(new Utf8(), new Int32()) };
  const sources = [
    tableToIPC(threeBatches(), 'stream'),
    fileOf(),
    tableToIPC(makeTable([countUp(2), null], ['a', 'b'], dictionary), 'file'),
    tableToIPC(
      makeTable([countUp(2)], ['a view that is longer than others'], { id: new Utf8View() }),
      'stream',
    ),
  ];
  const path = join(await makeFolder(t), 'a.arrow');
  const outcomes = { read: 0, refused: 0 };
  for (let round = 0; round < 300; round++) {
    let damaged = Buffer.from(sources[round % sources.length]!);
    for (let flips = below(4); flips >= 0; flips--) damaged[below(damaged.length)] = below(256);
    if (round % 3 === 0) damaged = damaged.subarray(0, below(damaged.length));
    await writeFile(path, damaged);
    const isPiped = round % 5 === 0;
    const started = performance.now();
    try {
      await readAll(await openArrow(path, isPiped ? { bytes: chunksOf(damaged, 100) } : {}));
      outcomes.read++;
    } catch (error) {
      if (!(error instanceof HeadpoolError)) t.log(round, error);
      t.true(error instanceof HeadpoolError, `round ${round}`);
      outcomes.refused++;
    }
    t.true(performance.now() - started < 1000, `round ${round} took more than a second`);
  }
  t.true(outcomes.read > 10 && outcomes.refused > 100, JSON.stringify(outcomes));
});
