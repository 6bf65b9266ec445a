import {
  Field,
  FixedSizeList,
  Float32,
  Int8,
  List,
  Message,
  Table,
  tableToIPC,
  vectorFromArray,
  type DataType,
} from 'apache-arrow';
import test, { type ExecutionContext } from 'ava';
import { Builder } from 'flatbuffers';
import { HeadpoolError } from '../../../../src/core/errors.js';
import { assertRefused } from '../../../helpers/assertions.js';
import { kinds, openBytes, patched, refusesStream } from '../../../helpers/arrow-checks.js';
import {
  countUp,
  endOfStream,
  frame,
  listOf,
  makeTable,
  openArrow,
  schemaMessage,
  schemaOf,
  width,
} from '../../../helpers/arrow-tables.js';
import { soon } from '../../../helpers/cpu-time.js';
import { writeScratch } from '../../scratch.js';

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

/** A schema whose only column has two children, each of which is the same struct of two children, and so on. */
function endlessSchema(depth: number): Buffer {
  const builder = new Builder();
  const addTable = (fields: number, add: () => void): number => {
    builder.startObject(fields);
    add();
    return builder.endObject();
  };
  const addVector = (offsets: number[]): number => {
    builder.startVector(4, offsets.length, 4);
    for (const offset of offsets) builder.addOffset(offset);
    return builder.endVector();
  };
  const addField = (typeNumber: number, children: number[]): number => {
    const childrenAt = addVector(children);
    return addTable(7, () => {
      builder.addFieldInt8(2, typeNumber, 0);
      builder.addFieldOffset(5, childrenAt, 0);
    });
  };
  let column = addField(6, []);
  for (let level = 0; level < depth; level++) column = addField(13, [column, column]);
  const fields = addVector([column]);
  const schema = addTable(4, () => {
    builder.addFieldOffset(1, fields, 0);
  });
  const message = addTable(5, () => {
    builder.addFieldInt16(0, 4, 0);
    builder.addFieldInt8(1, 1, 0);
    builder.addFieldOffset(2, schema, 0);
  });
  builder.finish(message);
  return frame(Uint8Array.from(builder.asUint8Array()));
}
refusesStream('few types that contain each other', endlessSchema(3), 'for `columns`, got');
refusesStream(
  'many types that contain each other',
  endlessSchema(40),
  'parts of the metadata contain each other',
);

test('Any number in place of an offset or a count of the metadata is refused soon', async (t) => {
  const metadata = Message.encode(Message.from(schemaOf(nested(40))));
  let refused = 0;
  for (let at = 0; at + 4 <= metadata.length; at += 4) {
    // Every offset and count in turn becomes a large number, or leads back to the beginning.
    for (const number of [2 ** 28, 2 ** 31, 2 ** 32 - at, 0x7fffffff]) {
      const bytes = patched(metadata, (copy) => copy.writeUInt32LE(number % 2 ** 32, at));
      const open = () => soon(t, () => openBytes(t, frame(bytes)), `${number} at ${at}`);
      await t.throwsAsync(open, { instanceOf: HeadpoolError });
      refused++;
    }
  }
  t.true(refused > 500);
});

const refusesTable = test.macro({
  title: (title) => `Columns are refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, table: Table, what: string) => {
    for (const kind of kinds) {
      const path = await writeScratch(t, 'a.arrow', tableToIPC(table, kind));
      await assertRefused(t, () => openArrow(path), { code: 'INVALID_FILE', path, what });
    }
  },
});
const lists = vectorFromArray([countUp(1)], listOf());
const flat = vectorFromArray([[1, 2]], new FixedSizeList(width, new Field('item', new Float32())));
const bytes = vectorFromArray([[[1, 2]]], listOf(new Int8()));
test(
  'none of sequences',
  refusesTable,
  new Table({ y: bytes }),
  'for `columns`, got `["y: List<FixedSizeList[2]<Int8>>"]`',
);
test('two of sequences, neither called x', refusesTable, new Table({ y: lists, z: lists }), 'got `["y: List<FixedSizeList'); // prettier-ignore
test(
  'two of single rows',
  refusesTable,
  new Table({ y: flat, z: flat }),
  'got `["y: FixedSizeList[2]<Float32>"',
);
test('x of integers', refusesTable, new Table({ x: bytes }), 'got `["x: List<FixedSizeList[2]<Int8>>"]`');
test('id of floats', refusesTable, makeTable([[]], [1], { id: new Float32() }), 'texts or integers for `id`, got `"Float32"`'); // prettier-ignore
