// Large inputs of the formats, which take seconds: the event loop has its turns meanwhile.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Float32, FixedSizeList, Field, List, makeData, makeVector, Table, tableToIPC } from 'apache-arrow';
import test, { type ExecutionContext } from 'ava';
import { findFormat } from '../../../src/files/sequences/formats.js';
import type { StreamSource } from '../../../src/files/sequences/sequences.js';
import { makeFolder } from '../../helpers/make-folder.js';
import { listColumn, textColumn, writeTable } from '../../helpers/parquet-files.js';
import { holdsLittle } from '../../helpers/holds-little.js';
import { npyFile, safetensorsFile } from '../scratch.js';
import { zipFile } from '../zip-bytes.js';

const modelDim = 2;

async function readSequences(path: string, source: Partial<StreamSource>): Promise<number> {
  const { modelDim: width = modelDim } = source;
  const stream = await findFormat(path)!.openStream({ path, modelDim: width, ...source });
  let sequences = 0;
  for (let part; (part = await stream.next(2 ** 20)) !== undefined;) {
    if ('error' in part) throw part.error;
    await part.read(new Float32Array(part.lengths.reduce((sum, length) => sum + length, 0) * width));
    sequences += part.lengths.length;
  }
  await stream.close();
  return sequences;
}

interface Input {
  readonly name: string;
  readonly bytes: () => Uint8Array;
  readonly sequences: number;
  readonly source?: Partial<StreamSource>;
}

const readsInTurns = test.macro(
  async (t: ExecutionContext, { name, bytes, sequences, source = {} }: Input) => {
    const path = join(await makeFolder(t), name);
    await writeFile(path, bytes());
    await holdsLittle(t, async () => {
      t.is(await readSequences(path, source), sequences);
    });
  },
);

function emptyLists(count: number): Uint8Array {
  const row = new FixedSizeList(modelDim, new Field('item', new Float32()));
  const numbers = makeData({ type: new Float32(), data: new Float32Array(0) });
  const rows = makeData({ type: row, length: 0, nullCount: 0, child: numbers });
  const type = new List(new Field('item', row));
  const lists = makeData({ type, length: count, valueOffsets: new Int32Array(count + 1), child: rows });
  return tableToIPC(new Table({ x: makeVector(lists) }), 'file');
}

const many = 2 ** 23;

test.serial('millions of sequences of a record batch', readsInTurns, {
  name: 'a.arrow',
  bytes: () => emptyLists(2 ** 22),
  sequences: 2 ** 22,
});

test.serial('a row group of millions of numbers', readsInTurns, {
  name: 'a.parquet',
  bytes: () => {
    const row = Array.from({ length: 2 ** 10 }, (_, token) => [token, 0.5]);
    return writeTable({
      columns: [{ name: 'x', data: new Array(2 ** 10).fill(row), elements: listColumn('x', 2) }],
      rowGroupSize: 2 ** 10,
    });
  },
  sequences: 2 ** 10,
});

test.serial('a row group of many names', readsInTurns, {
  name: 'a.parquet',
  bytes: () => {
    const data = new Array(2 ** 19).fill([[1, 2]]);
    const names = data.map((_, n) => `sequence ${n}`);
    return writeTable({
      columns: [
        { name: 'id', data: names, elements: [textColumn] },
        { name: 'x', data, elements: listColumn('x', 2) },
      ],
      rowGroupSize: 2 ** 19,
    });
  },
  sequences: 2 ** 19,
});

const offsets = (): Uint8Array => new Uint8Array(new BigInt64Array(many + 1).buffer);

test.serial('millions of offsets', readsInTurns, {
  name: 'a.safetensors',
  bytes: () =>
    safetensorsFile(
      {
        x: { dtype: 'F32', shape: [0, modelDim], data_offsets: [0, 0] },
        offsets: { dtype: 'I64', shape: [many + 1], data_offsets: [0, 8 * (many + 1)] },
      },
      offsets(),
    ),
  sequences: many,
});

const npyOf = (descr: string, shape: string, data: Uint8Array): Buffer =>
  npyFile(`{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }\n`, data);

test.serial('millions of offsets in an archive', readsInTurns, {
  name: 'a.npz',
  bytes: () =>
    zipFile([
      { name: 'x.npy', content: npyOf('<f4', `(0, ${modelDim})`, new Uint8Array(0)) },
      { name: 'offsets.npy', content: npyOf('<i8', `(${many + 1},)`, offsets()) },
    ]),
  sequences: many,
});

test.serial('millions of sequences of one token', readsInTurns, {
  name: 'a.npy',
  bytes: () => npyOf('<f2', `(${2 * many}, 1, ${modelDim})`, new Uint8Array(4 * modelDim * many)),
  sequences: 2 * many,
});

test.serial('a mask of millions', readsInTurns, {
  name: 'a.safetensors',
  bytes: () =>
    safetensorsFile(
      {
        h: { dtype: 'F16', shape: [many / 2 ** 10, 2 ** 10, modelDim], data_offsets: [0, 4 * many] },
        attention_mask: {
          dtype: 'BOOL',
          shape: [many / 2 ** 10, 2 ** 10],
          data_offsets: [4 * many, 5 * many],
        },
      },
      Buffer.concat([new Uint8Array(4 * many), new Uint8Array(many).fill(1)]),
    ),
  sequences: many / 2 ** 10,
});

test.serial('many names of a packed file', readsInTurns, {
  name: 'a.safetensors',
  bytes: () => {
    const count = 2 ** 21;
    const ids = Buffer.from(JSON.stringify(Array.from({ length: count }, (_, n) => `sequence number ${n}`)));
    const begin = 8 * (count + 1);
    return safetensorsFile(
      {
        x: { dtype: 'F32', shape: [0, modelDim], data_offsets: [0, 0] },
        offsets: { dtype: 'I64', shape: [count + 1], data_offsets: [0, begin] },
        ids: { dtype: 'U8', shape: [ids.length], data_offsets: [begin, begin + ids.length] },
      },
      Buffer.concat([new Uint8Array(begin), ids]),
    );
  },
  sequences: 2 ** 21,
});

test.serial('a field of a line that is passed over', readsInTurns, {
  name: 'a.jsonl',
  bytes: () => Buffer.from(`{"note":[${'{"a":[1,2]},'.repeat(2 ** 20)}1],"x":[[1,2]]}\n`),
  sequences: 1,
});

test.serial('a text of a line that is passed over', readsInTurns, {
  name: 'a.jsonl',
  bytes: () => Buffer.from(`{"note":"${'\\u4e2d文\\n'.repeat(2 ** 23)}","x":[[1,2]]}\n`),
  sequences: 1,
});

test.serial('a name as long as a line may be', readsInTurns, {
  name: 'a.jsonl',
  bytes: () => Buffer.from(`{"id":"${'\\u4e2d文\\n'.repeat(2 ** 23)}","x":[[1,2]]}\n`),
  sequences: 1,
});

test.serial('many rows of a line', readsInTurns, {
  name: 'a.jsonl',
  bytes: () => Buffer.from(`{"x":[${'[1.5,2],'.repeat(2 ** 20)}[1,2]]}\n`),
  sequences: 1,
});

test.serial('many ids of a line', readsInTurns, {
  name: 'a.jsonl',
  bytes: () => Buffer.from(`{"tokens":[${'12,'.repeat(2 ** 23)}1]}\n`),
  sequences: 1,
  source: { embedding: { modelDim, vocabulary: 13, mostTokens: Infinity, embed: () => undefined } },
});

test.serial('a row of millions of numbers', readsInTurns, {
  name: 'a.jsonl',
  bytes: () => Buffer.from(`{"x":[[${'1.5,'.repeat(many - 1)}1]]}\n`),
  sequences: 1,
  source: { modelDim: many },
});

test.serial('many lines', readsInTurns, {
  name: 'a.jsonl',
  bytes: () => Buffer.from('{"id":"a","x":[[1.5,2]]}\n'.repeat(2 ** 18)),
  sequences: 2 ** 18,
});
