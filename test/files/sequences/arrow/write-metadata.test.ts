// What we write is what the reference implementation writes, byte for byte.
import {
  Field,
  FixedSizeList,
  Float16,
  Float32,
  List,
  Message,
  MetadataVersion,
  Schema,
  Utf8,
  type DataType,
} from 'apache-arrow';
import { FileBlock, Footer } from 'apache-arrow/ipc/metadata/file';
import { BufferRegion, FieldNode, RecordBatch } from 'apache-arrow/ipc/metadata/message';
import test from 'ava';
import {
  writeFooter,
  writeRecordsMessage,
  writeSchemaMessage,
  type Pair,
} from '../../../../src/files/sequences/arrow/write-metadata.js';

function schemaOf(
  modelDim: number,
  numbers: DataType,
  isPooled: boolean,
  metadata: Map<string, string>,
): Schema {
  const row = new FixedSizeList(modelDim, new Field('item', numbers, false));
  const x = isPooled ? row : new List(new Field('item', row, false));
  return new Schema([new Field('id', new Utf8(), true), new Field('x', x as DataType, false)], metadata);
}

for (const dtype of ['f32', 'f16'] as const) {
  for (const isPooled of [false, true]) {
    for (const metadata of [
      new Map<string, string>(),
      new Map([
        ['kernel', 'native'],
        ['ü', ''],
      ]),
    ]) {
      const title = `${isPooled ? 'pooled ' : ''}${dtype} with ${metadata.size} facts`;
      const schema = schemaOf(7, dtype === 'f32' ? new Float32() : new Float16(), isPooled, metadata);
      const outline = { modelDim: 7, dtype, isPooled, metadata };

      test(`The schema of ${title} has the bytes of the package`, (t) => {
        t.deepEqual(writeSchemaMessage(outline), Message.encode(Message.from(schema)));
      });

      test(`The footer of ${title} has the bytes of the package`, (t) => {
        for (const count of [0, 1, 300]) {
          const blocks = Array.from({ length: count }, (_, n) => ({ offset: 8 * n + 2 ** 40, metadataBytes: 256, bodyLength: 2 ** 33 + n })); // prettier-ignore
          const theirs = blocks.map(
            (block) => new FileBlock(block.metadataBytes, block.bodyLength, block.offset),
          );
          t.deepEqual(
            writeFooter(outline, blocks),
            Footer.encode(new Footer(schema, MetadataVersion.V5, theirs, [])),
          );
        }
      });
    }
  }
}

test('The metadata of a record batch have the bytes of the package', (t) => {
  for (const [rows, nulls] of [
    [1, 0],
    [0, 0],
    [2 ** 40, 3],
  ] as const) {
    const nodes: Pair[] = [[rows, nulls], [3, 0], [0, 0]]; // prettier-ignore
    const buffers: Pair[] = [[0, 0], [0, 8], [8, 2 ** 34]]; // prettier-ignore
    const theirs = new RecordBatch(
      rows,
      nodes.map((node) => new FieldNode(...node)),
      buffers.map((buffer) => new BufferRegion(...buffer)),
      null,
    );
    const bodyLength = 2 ** 34 + 8;
    t.deepEqual(
      writeRecordsMessage({ rows, nodes, buffers }, bodyLength),
      Message.encode(Message.from(theirs, bodyLength)),
    );
  }
});
