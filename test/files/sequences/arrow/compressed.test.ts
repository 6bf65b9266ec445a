// Compressed bodies, written by the reference implementation, which leaves the codecs to its users.
import {
  CompressionType,
  compressionRegistry,
  Dictionary,
  Float16,
  Float32,
  Float64,
  Int32,
  List,
  LargeList,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  Utf8,
  Utf8View,
  type Table,
} from 'apache-arrow';
import test from 'ava';
import {
  everything,
  kinds,
  openBytes,
  patched,
  refuses,
  threeBatches,
} from '../../../helpers/arrow-checks.js';
import { chunksOf, countUp, listOf, makeTable, openArrow, readAll } from '../../../helpers/arrow-tables.js';
import { lz4Frame, zstdFrame } from '../../../helpers/compressed-frames.js';

const encoders = { LZ4_FRAME: lz4Frame, ZSTD: (bytes: Uint8Array) => zstdFrame(bytes, 16) } as const;
for (const name of ['LZ4_FRAME', 'ZSTD'] as const) {
  compressionRegistry.set(CompressionType[name], { encode: (bytes) => encoders[name](bytes) });
}

/** The package writes a buffer's compressed length where the format wants the other. */
function mendLengths(stored: readonly ArrayBufferView[], buffers: readonly ArrayBufferView[]): void {
  for (const [index, { byteLength }] of buffers.entries()) {
    const prefix = stored[2 * index]!;
    if (prefix.byteLength === 0) continue;
    const view = new DataView(prefix.buffer, prefix.byteOffset);
    if (view.getBigInt64(0, true) !== -1n) view.setBigInt64(0, BigInt(byteLength), true);
  }
}

class FileWriter extends RecordBatchFileWriter {
  protected override _compressBodyBuffers(buffers: ArrayBufferView[]) {
    const body = super._compressBodyBuffers(buffers);
    mendLengths(body.buffers, buffers);
    return body;
  }
}

class StreamWriter extends RecordBatchStreamWriter {
  protected override _compressBodyBuffers(buffers: ArrayBufferView[]) {
    const body = super._compressBodyBuffers(buffers);
    mendLengths(body.buffers, buffers);
    return body;
  }
}

function write(table: Table, kind: (typeof kinds)[number], codec: keyof typeof encoders): Buffer {
  const Writer = kind === 'file' ? FileWriter : StreamWriter;
  const writer = new Writer({ compressionType: CompressionType[codec] });
  writer.writeAll(table);
  return Buffer.from(writer.finish().toUint8Array(true));
}

/** Numbers that compress: `tokens` tokens of zeros, and a few others. */
const long = [...Array.from({ length: 200 }, () => [0, 0]), ...countUp(3)];

for (const codec of ['LZ4_FRAME', 'ZSTD'] as const) {
  for (const kind of kinds) {
    for (const numbers of [new Float32(), new Float16(), new Float64()]) {
      for (const ListType of [List, LargeList]) {
        test(`A ${kind} of ${ListType.name}s of ${numbers.toString()} in ${codec} is read`, async (t) => {
          const x = listOf(numbers, ListType);
          t.like(await readAll(await openBytes(t, write(threeBatches({ x }), kind, codec))), everything);
          const table = makeTable([long, countUp(1), long], ['a', null, 'c'.repeat(500)], { x });
          const all = await readAll(await openBytes(t, write(table, kind, codec)));
          t.like(all, { lengths: [203, 1, 203], names: ['a', null, 'c'.repeat(500)] });
          t.deepEqual(all.numbers, [...long, ...countUp(1), ...long].flat());
        });
      }
    }

    test(`A ${kind} in ${codec} goes on at any sequence, and nulls damage theirs alone`, async (t) => {
      const rows = [countUp(1), null, [[1, null]], ...Array.from({ length: 70 }, () => [[0, 0]])];
      const bytes = write(makeTable(rows), kind, codec);
      const { damages } = await readAll(await openBytes(t, bytes));
      t.deepEqual(damages.map(({ sequence }) => sequence), [1, 2]); // prettier-ignore
      t.is((await readAll(await openBytes(t, bytes, { start: { sequence: 40 } }))).lengths.length, 33);
    });
  }

  test(`Names in ${codec} are texts, views or indices of a dictionary`, async (t) => {
    const names = Array.from({ length: 90 }, (_, row) => 'a name longer than a view '.repeat(1 + (row % 3)));
    for (const id of [new Utf8(), new Utf8View(), new Dictionary(new Utf8(), new Int32())]) {
      const bytes = write(makeTable(names.map(() => [[0, 0]]), names, { id }), 'stream', codec); // prettier-ignore
      t.deepEqual((await readAll(await openBytes(t, bytes))).names, names);
      t.deepEqual((await readAll(await openArrow('-', { bytes: chunksOf(bytes, 99) }))).names, names);
    }
  });

  const file = write(makeTable([long]), 'file', codec);
  const magic = Buffer.from(codec === 'ZSTD' ? '28b52ffd' : '04224d18', 'hex');
  const lastFrame = file.lastIndexOf(magic);
  test(`a ${codec} of another magic`, refuses, patched(file, (copy) => copy.fill(1, lastFrame, lastFrame + 4)), `well-formed ${codec} for \`recordBatches[0].buffers[4]\``); // prettier-ignore
  test(`a ${codec} of no length`, refuses, patched(file, (copy) => copy.writeBigInt64LE(-2n, lastFrame - 8)), 'its length is -2'); // prettier-ignore
  test(`a ${codec} of any length`, refuses, patched(file, (copy) => copy.writeBigInt64LE(2n ** 50n, lastFrame - 8)), 'instead of at most'); // prettier-ignore
  test(`a ${codec} of fewer numbers`, refuses, patched(file, (copy) => copy.writeBigInt64LE(0n, lastFrame - 8)), 'at least 1624 bytes for `recordBatches[0].buffers[4]`, got `0`'); // prettier-ignore
}
