import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { HeadpoolError } from '../../../src/core/errors.js';
import { npzFormat } from '../../../src/files/sequences/npz-format.js';
import type { SequenceReader, SequenceSpan } from '../../../src/files/sequences/sequences.js';
import { createRandom } from '../../../src/core/tensor/random.js';
import { assertRefused } from '../../helpers/assertions.js';
import { makeFolder } from '../../helpers/make-folder.js';
import { soon } from '../../helpers/cpu-time.js';
import { numpySavez, numpySavezCompressed } from '../npz-fixtures.js';
import { numpyFloats, numpyNumbers } from '../numpy-fixtures.js';
import { float32Bytes, npyFile, writeScratch } from '../scratch.js';
import { zipFile, type MemberParts } from '../zip-bytes.js';

const openReader = npzFormat.openReader!;

async function openScratch(t: ExecutionContext, bytes: Uint8Array): Promise<SequenceReader> {
  const reader = await openReader(await writeScratch(t, 'a.npz', bytes));
  t.teardown(() => reader.close());
  return reader;
}

async function readPart(reader: SequenceReader, first: number, count: number): Promise<number[]> {
  const tokens = reader.offsets[first + count]! - reader.offsets[first]!;
  const target = new Float32Array(new SharedArrayBuffer(tokens * reader.modelDim * 4));
  await reader.read(first, count, target);
  return [...target];
}

const readAll = (reader: SequenceReader) => readPart(reader, 0, reader.count);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

interface ArrayParts {
  readonly descr?: string;
  readonly isFortran?: boolean;
  /** Default 1, 2, 3 … */
  readonly data?: Uint8Array;
}

/** A .npy file of `shape`, such as [2, 3]. */
function npy(shape: readonly number[], { descr = '<f4', isFortran = false, data }: ArrayParts = {}): Buffer {
  const order = isFortran ? 'True' : 'False';
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape.join(', ')},)}`;
  return npyFile(header, data ?? float32Bytes(...upTo(shape.reduce((count, length) => count * length, 1))));
}

const int64 = (...numbers: number[]) => new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer);
const int32 = (...numbers: number[]) => new Uint8Array(Int32Array.from(numbers).buffer);

/** Members under names without .npy. */
function npz(arrays: Readonly<Record<string, Uint8Array>>, isDeflated: boolean): Buffer {
  const members = Object.entries(arrays).map(([name, content]) => ({
    name: `${name}.npy`,
    content,
    isDeflated,
  }));
  return zipFile(members);
}

function packed(offsets: readonly number[], descr: '<i4' | '<i8' = '<i8') {
  const data = descr === '<i4' ? int32(...offsets) : int64(...offsets);
  return { x: npy([3, 2]), offsets: npy([offsets.length], { descr, data }) };
}

for (const [writer, base64] of [
  ['savez', numpySavez],
  ['savez_compressed', numpySavezCompressed],
] as const) {
  test(`What numpy.${writer} wrote is read`, async (t) => {
    const reader = await openScratch(t, Buffer.from(base64, 'base64'));
    t.like(reader, { form: 'packed', modelDim: 2, count: 2, lengths: [1, 2], offsets: [0, 1, 3] });
    t.is(reader.metadata.size, 0);
    t.deepEqual(await readAll(reader), [0, 1, 2, 3, 4, 5]);
    t.deepEqual(await readPart(reader, 1, 1), [2, 3, 4, 5]);
  });
}

for (const isDeflated of [false, true]) {
  const kind = isDeflated ? 'deflated' : 'stored';

  for (const descr of ['<i4', '<i8'] as const) {
    test(`Packed sequences are read by their ${kind} offsets of ${descr}, empty ones included`, async (t) => {
      const reader = await openScratch(t, npz(packed([0, 1, 1, 3], descr), isDeflated));
      t.like(reader, { form: 'packed', modelDim: 2, count: 3, lengths: [1, 0, 2], offsets: [0, 1, 1, 3] });
      t.deepEqual(await readAll(reader), upTo(6));
      t.deepEqual(await readPart(reader, 1, 2), [3, 4, 5, 6]);
      t.deepEqual(await readPart(reader, 0, 1), [1, 2]);
    });
  }

  test(`Named sequences keep their names and their order, ${kind}`, async (t) => {
    const arrays = {
      late: npy([1, 2]),
      '../early': npy([2, 2]),
      ['__proto__']: npy([0, 2]),
      '': npy([1, 2]),
    };
    const reader = await openScratch(t, npz(arrays, isDeflated));
    t.like(reader, { form: 'named', names: ['late', '../early', '__proto__', ''], lengths: [1, 2, 0, 1] });
    t.deepEqual(await readAll(reader), [1, 2, 1, 2, 3, 4, 1, 2]);
    t.deepEqual(await readPart(reader, 1, 2), [1, 2, 3, 4]);
  });

  test(`A single array of three axes holds sequences of equal lengths, ${kind}`, async (t) => {
    const reader = await openScratch(t, npz({ a: npy([2, 3, 2]) }, isDeflated));
    t.like(reader, { form: 'stacked', modelDim: 2, count: 2, lengths: [3, 3] });
    t.is(reader.names, undefined);
    t.deepEqual(await readAll(reader), upTo(12));
    t.deepEqual(await readPart(reader, 1, 1), [7, 8, 9, 10, 11, 12]);
  });

  test(`A single array of two axes is one named sequence, ${kind}`, async (t) => {
    const reader = await openScratch(t, npz({ x: npy([3, 2]) }, isDeflated));
    t.like(reader, { form: 'named', names: ['x'], lengths: [3] });
  });

  for (const [title, shape, base64] of numpyFloats.filter(([, { length }]) => length === 2)) {
    test(`Numbers are read, ${kind}: ${title}`, async (t) => {
      const reader = await openScratch(t, npz({ a: Buffer.from(base64, 'base64') }, isDeflated));
      t.is(reader.modelDim, shape[1]!);
      t.deepEqual(await readAll(reader), numpyNumbers);
      t.deepEqual(await readAll(reader), numpyNumbers);
    });
  }

  test(`Long arrays are read in any order and at the same time, ${kind}`, async (t) => {
    const [count, tokens, modelDim] = [30, 40, 50] as const;
    const random = createRandom(7);
    // Few values, so that deflate finds something to do.
    const values = Float32Array.from({ length: count * tokens * modelDim }, () =>
      Math.floor(64 * random.uniform()),
    );
    const float64 = new Uint8Array(Float64Array.from(values).buffer);
    for (const parts of [{ data: float32Bytes(...values) }, { descr: '<f8', data: float64 }]) {
      const reader = await openScratch(t, npz({ a: npy([count, tokens, modelDim], parts) }, isDeflated));
      const expected = (first: number, most: number) => [
        ...values.subarray(first * tokens * modelDim, (first + most) * tokens * modelDim),
      ];
      const reads = [0, 10, 20, 5, 29, 0].map((first) => readPart(reader, first, 1));
      for (const [index, first] of [0, 10, 20, 5, 29, 0].entries()) {
        t.deepEqual(await reads[index], expected(first, 1));
      }
      t.deepEqual(await readPart(reader, 3, 20), expected(3, 20));
    }
  });

  test(`Fortran order is read in parts, ${kind}`, async (t) => {
    const data = float32Bytes(1, 3, 5, 2, 4, 6);
    const { offsets } = packed([0, 1, 3]);
    const reader = await openScratch(
      t,
      npz({ x: npy([3, 2], { isFortran: true, data }), offsets }, isDeflated),
    );
    t.deepEqual(await readPart(reader, 1, 1), [3, 4, 5, 6]);
    t.deepEqual(await readPart(reader, 0, 1), [1, 2]);
  });
}

test('A stream goes through the sequences in spans, from where it is told', async (t) => {
  const path = await writeScratch(t, 'a.npz', npz(packed([0, 1, 1, 3]), true));
  const stream = await npzFormat.openStream({ path, modelDim: 2, start: { sequence: 1 } });
  t.teardown(() => stream.close());
  t.is(stream.layout?.count, 3);
  const span = (await stream.next(100)) as SequenceSpan;
  t.deepEqual(span.lengths, [0, 2]);
  const target = new Float32Array(4);
  await span.read(target);
  t.deepEqual([...target], [3, 4, 5, 6]);
  t.is(await stream.next(100), undefined);
});

test('A stream of another width is refused', async (t) => {
  const path = await writeScratch(t, 'a.npz', npz(packed([0, 3]), false));
  await assertRefused(t, () => npzFormat.openStream({ path, modelDim: 3 }), {
    code: 'INVALID_SHAPE',
    path,
    what: 'got 2',
  });
});

test('Ranges and targets that do not fit are refused', async (t) => {
  const reader = await openScratch(t, npz(packed([0, 1, 3]), true));
  const read = (first: number, count: number, length: number) => () =>
    reader.read(first, count, new Float32Array(length));
  await assertRefused(t, read(0, 3, 6), { code: 'INVALID_OPTION', what: '`count`' });
  await assertRefused(t, read(3, 0, 0), { code: 'INVALID_OPTION', what: '`first`' });
  await assertRefused(t, read(0, 1, 3), { code: 'INVALID_SHAPE', what: '`data`' });
});

test('A file that is not there, and a folder, fail to open', async (t) => {
  const folder = await makeFolder(t);
  await assertRefused(t, () => openReader(join(folder, 'a.npz')), { code: 'FILE_FAILED', what: 'a.npz' });
  await assertRefused(t, () => openReader(folder), { code: 'FILE_FAILED', what: 'a folder' });
});

for (const isDeflated of [false, true]) {
  test(`A file that has shrunk since it was opened is refused: ${isDeflated ? 'deflated' : 'stored'}`, async (t) => {
    const data = new Uint8Array(80_000);
    const path = await writeScratch(t, 'a.npz', npz({ a: npy([10_000, 2], { data }) }, isDeflated));
    const reader = await openReader(path);
    t.teardown(() => reader.close());
    await writeFile(path, Buffer.alloc(50));
    await assertRefused(t, () => readAll(reader), {
      code: 'INVALID_FILE',
      path: `${path}: a.npy: `,
      what: '`data`',
    });
  });
}

test('A closed file is read no more, and closed again without harm', async (t) => {
  const reader = await openScratch(t, npz(packed([0, 3]), true));
  await reader.close();
  await assertRefused(t, () => readAll(reader), { code: 'FILE_FAILED', what: 'a.npz' });
  await reader.close();
});

/** Fails soon, to open or to read, and names the archive and `what`. */
const refuses = test.macro({
  title: (title) => `A .npz file is refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, bytes: Uint8Array, what: string) => {
    const path = await writeScratch(t, 'a.npz', bytes);
    const openAndRead = async () => {
      const reader = await openReader(path);
      try {
        await readAll(reader);
      } finally {
        await reader.close();
      }
    };
    await assertRefused(t, () => soon(t, openAndRead), { code: 'INVALID_FILE', path: `${path}: `, what });
  },
});

/** The last byte changed. */
const flip = (bytes: Uint8Array): Buffer => {
  const copy = Buffer.from(bytes);
  copy[copy.length - 1]! ^= 1;
  return copy;
};

const array: MemberParts = { name: 'a.npy', content: npy([3, 2]), isDeflated: true };
const { length } = array.content;

test('no zip', refuses, array.content, '`directory`');
test('no bytes', refuses, Buffer.alloc(0), '`directory`');
test('no members', refuses, zipFile([]), '`tensors`');
test(
  'a member that is no array',
  refuses,
  zipFile([array, { ...array, name: 'b.txt' }]),
  '`members`, got `"b.txt"`',
);
test('a folder', refuses, zipFile([{ name: 'a/', content: Buffer.alloc(0) }]), '`members`, got `"a/"`');
test('a name twice', refuses, zipFile([array, array]), 'expected `a.npy` once, got it twice');
test(
  'an encrypted member',
  refuses,
  zipFile([{ ...array, directory: { flags: 1 } }]),
  'a.npy: expected no encryption',
);
test('method 12', refuses, zipFile([{ ...array, directory: { method: 12 } }]), 'a.npy: expected method 0');
test(
  'a size of one byte less',
  refuses,
  zipFile([{ ...array, directory: { length: length - 1 } }]),
  `a.npy: expected the ${length - 1} bytes inside for \`size\``,
);
test(
  'a size of one byte more',
  refuses,
  zipFile([{ ...array, directory: { length: length + 1 } }]),
  `a.npy: expected the ${length + 1} bytes inside for \`size\``,
);
test(
  'a stored array of which a byte has changed',
  refuses,
  zipFile([{ name: 'a.npy', content: array.content, held: flip(array.content) }]),
  'a.npy: expected checksum',
);
test(
  'a wrong checksum',
  refuses,
  zipFile([{ ...array, directory: { crc: 0 } }]),
  'a.npy: expected checksum 0',
);

const longData = new Uint8Array(Float32Array.from({ length: 30_000 }, (_, index) => index % 97).buffer);
const long: MemberParts = { name: 'b.npy', content: npy([15_000, 2], { data: longData }), isDeflated: true };
test(
  'a wrong checksum of a long array',
  refuses,
  zipFile([array, { ...long, directory: { crc: 0 } }]),
  'b.npy: expected checksum 0 for `crc32`',
);
test(
  'a long stored array of which the last byte has changed',
  refuses,
  zipFile([array, { ...long, isDeflated: false, held: flip(long.content) }]),
  'b.npy: expected checksum',
);
test(
  'a long array that goes on beyond its size',
  refuses,
  zipFile([array, { ...long, held: deflateRawSync(Buffer.concat([long.content, Buffer.alloc(1)])) }]),
  `b.npy: expected the ${long.content.length} bytes inside for \`size\`, got \`${long.content.length + 1}\``,
);
test(
  'a long array whose stream is damaged in the middle',
  refuses,
  zipFile([array, { ...long, held: deflateRawSync(long.content).fill(0xff, 200, 240) }]),
  'b.npy: expected ',
);

for (const isDeflated of [false, true]) {
  const kind = isDeflated ? 'deflated' : 'stored';
  const refusesArrays = (title: string, arrays: Readonly<Record<string, Uint8Array>>, what: string) => {
    test(`${kind} ${title}`, refuses, npz(arrays, isDeflated), what);
  };
  refusesArrays('bytes that are no .npy', { a: Buffer.alloc(200) }, 'a.npy: expected the six bytes');
  refusesArrays('members of no bytes', { a: Buffer.alloc(0) }, 'a.npy: expected the six bytes');
  refusesArrays(
    '.npy of one byte short',
    { a: npy([3, 2]).subarray(0, -1) },
    'a.npy: expected 24 bytes of F32',
  );
  refusesArrays(
    '.npy of one byte more',
    { a: Buffer.concat([npy([3, 2]), Buffer.alloc(1)]) },
    '`data`, got `25`',
  );
  refusesArrays('.npy of objects', { a: npy([3, 2], { descr: '|O' }) }, 'a.npy: expected a plain float');
  refusesArrays(
    '.npy of 2^52 numbers',
    { a: npy([2 ** 40, 2 ** 12], { data: new Uint8Array(8) }) },
    '`data`',
  );
  refusesArrays(
    '.npy of length -1',
    { a: npy([-1, 2], { data: new Uint8Array(8) }) },
    'a.npy: expected a tuple',
  );
  refusesArrays('integers', { a: npy([3, 2], { descr: '<i4' }) }, '`a.dtype`, got `"I32"`');
  refusesArrays('integers of three axes', { a: npy([1, 3, 2], { descr: '<i4' }) }, '`a.dtype`, got `"I32"`');
  refusesArrays('numbers of one axis', { a: npy([6]) }, '`a.shape`, got `[6]`');
  refusesArrays('numbers of four axes', { a: npy([1, 1, 3, 2]) }, '`a.shape`');
  refusesArrays(
    'two arrays, one of several sequences',
    { a: npy([2, 3, 2]), b: npy([1, 3, 2]) },
    '`--tensor` to choose one of several, for `a.shape`',
  );
  refusesArrays('rows of no numbers', { a: npy([3, 0]) }, '`a.shape`, got `[3,0]`');
  refusesArrays('very many empty sequences', { a: npy([1e12, 0, 2]) }, '`a.shape`');
  refusesArrays('mixed modelDim', { a: npy([1, 2]), 'b c': npy([1, 3]) }, '`"b c".shape`, got `[1,3]`');
  refusesArrays('offsets that start late', packed([1, 3]), '`offsets[0]`, got `1`');
  refusesArrays('offsets that fall', packed([0, 2, 1, 3]), '`offsets[2]`, got `1`');
  refusesArrays('offsets below 0', packed([0, -1, 3]), '`offsets[1]`, got `-1`');
  refusesArrays('offsets that end early', packed([0, 2]), '`offsets[1]`, got `2`');
  refusesArrays('offsets that end late', packed([0, 4]), '`offsets[1]`, got `4`');
  refusesArrays('no offsets', packed([]), '`offsets.shape`');
  refusesArrays(
    'offsets that are floats',
    { ...packed([0]), offsets: npy([2]) },
    '`offsets.dtype`, got `"F32"`',
  );
  refusesArrays('ids beside packed rows', { ...packed([0, 3]), ids: npy([1]) }, '`tensors`, got `"ids"`');
}

test('A damaged archive is read or refused, and nothing else', async (t) => {
  const path = join(await makeFolder(t), 'a.npz');
  const valid = zipFile([
    { name: 'x.npy', content: npy([3, 2]), isDeflated: true },
    { name: 'offsets.npy', content: packed([0, 1, 3]).offsets, isZip64: true },
  ]);
  const outcomes = { read: 0, refused: 0 };
  const edit = fc.record({ at: fc.nat(valid.length - 1), byte: fc.nat(255), removed: fc.nat(2) });
  const edits = fc.array(edit, { minLength: 1, maxLength: 3 });
  const cut = fc.option(fc.nat(valid.length), { freq: 10, nil: valid.length });
  const damages = fc.asyncProperty(edits, cut, async (edits, end) => {
    let bytes: Uint8Array = valid;
    for (const { at, byte, removed } of edits) {
      bytes = Buffer.concat([bytes.subarray(0, at), Uint8Array.of(byte), bytes.subarray(at + removed)]);
    }
    await writeFile(path, bytes.subarray(0, end));
    try {
      const reader = await openReader(path);
      try {
        await readAll(reader);
        outcomes.read++;
      } finally {
        await reader.close();
      }
    } catch (error) {
      if (!(error instanceof HeadpoolError)) throw error;
      outcomes.refused++;
    }
  });
  await fc.assert(damages, {
    seed: 3,
    numRuns: 300,
    interruptAfterTimeLimit: 60_000,
    markInterruptAsFailure: true,
  });
  t.true(outcomes.read > 0 && outcomes.refused > 0, JSON.stringify(outcomes));
});
