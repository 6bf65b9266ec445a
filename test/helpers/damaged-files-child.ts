// A process that reads damaged files of one format, so that one that takes all memory or never ends is seen. It is given
// the format, a seed and how many files, and prints what came of them as JSON.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dictionary, Int32, tableToIPC, Utf8, Utf8View } from 'apache-arrow';
import { HeadpoolError } from '../../src/core/errors.js';
import { createRandom } from '../../src/core/tensor/random.js';
import { findFormat } from '../../src/files/sequences/formats.js';
import { chunksOf, countUp, fileOf, makeTable, readAll, threeBatches, whole, width } from './arrow-tables.js';
import { compressedTable } from './compressed-tables.js';
import { listColumn, textColumn, writeTable } from './parquet-files.js';

export interface Outcomes {
  read: number;
  refused: number;
  /** CPU time of the slowest file. */
  longestMs: number;
  /** Of the whole process, in MB. */
  memory: number;
  /** Errors that are not ours. */
  foreign: string[];
}

const rows = [countUp(1), [], countUp(3, 2), countUp(2, 8)];
const parquetTable = (codec: 'UNCOMPRESSED' | 'SNAPPY', floats: 'f32' | 'f16'): Uint8Array =>
  writeTable({
    columns: [
      { name: 'id', data: ['a', null, 'ü', 'd'], elements: [textColumn] },
      { name: 'x', data: rows, elements: listColumn('x', 2, { floats }) },
    ],
    codec,
    rowGroupSize: 3,
  });

const sources: Readonly<Record<string, () => readonly Uint8Array[]>> = {
  arrow: () => [
    whole,
    fileOf(),
    tableToIPC(threeBatches(), 'stream'),
    tableToIPC(
      makeTable(rows, ['a', 'b', 'c', 'd'], { id: new Dictionary(new Utf8(), new Int32()) }),
      'file',
    ),
    tableToIPC(makeTable(rows, ['a', 'b', 'c', 'a view that is long'], { id: new Utf8View() }), 'stream'),
    compressedTable(threeBatches(), 'file', 'LZ4_FRAME'),
    compressedTable(makeTable([new Array<number[]>(300).fill([0, 0])]), 'stream', 'ZSTD'),
  ],
  parquet: () => [
    parquetTable('UNCOMPRESSED', 'f32'),
    parquetTable('SNAPPY', 'f32'),
    parquetTable('UNCOMPRESSED', 'f16'),
  ],
};

const numbers = [
  0, 1, 2, 3, 4, 7, 9, 16, 17, 127, 128, 255, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
];

/** A copy with one to three numbers of 8, 16, 32 or 64 bits in the place of others. */
function damage(source: Uint8Array, below: (limit: number) => number): Buffer {
  const copy = Buffer.from(source);
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const bytes = 2 ** below(4);
    const at = below(copy.length - bytes);
    if (bytes === 8)
      copy.writeBigInt64LE(
        (BigInt(numbers[below(numbers.length)]!) << BigInt(8 * below(5))) & 0x7fffffffffffffffn,
        at,
      );
    else
      copy.writeUIntLE(
        (below(2) === 0 ? numbers[below(numbers.length)]! : copy.readUIntLE(at, bytes) + 1) % 256 ** bytes,
        at,
        bytes,
      );
  }
  return copy;
}

async function readDamaged(extension: string, seed: number, files: number): Promise<Outcomes> {
  const random = createRandom(seed);
  const below = (limit: number): number => Math.floor(random.uniform() * limit);
  const folder = await mkdtemp(join(tmpdir(), 'headpool-damaged-'));
  const path = join(folder, `a.${extension}`);
  const format = findFormat(path)!;
  const originals = sources[extension]!();
  const outcomes: Outcomes = { read: 0, refused: 0, longestMs: 0, memory: 0, foreign: [] };
  try {
    for (let file = 0; file < files; file++) {
      const bytes = damage(originals[file % originals.length]!, below);
      const isPiped = extension === 'arrow' && file % 4 === 0;
      if (!isPiped) await writeFile(path, bytes);
      const before = process.cpuUsage();
      try {
        await readAll(
          await format.openStream({ path, modelDim: width, ...(isPiped && { bytes: chunksOf(bytes, 100) }) }),
        );
        outcomes.read++;
      } catch (error) {
        outcomes.refused++;
        if (!(error instanceof HeadpoolError)) outcomes.foreign.push(`${file}: ${String(error)}`);
      }
      const { user, system } = process.cpuUsage(before);
      outcomes.longestMs = Math.max(outcomes.longestMs, (user + system) / 1000);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  outcomes.memory = process.resourceUsage().maxRSS / 1024;
  return outcomes;
}

const [extension = 'arrow', seed = '1', files = '100'] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await readDamaged(extension, Number(seed), Number(files))));
