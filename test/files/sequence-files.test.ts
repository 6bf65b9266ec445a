import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createSequenceWriter, openSequences } from '../../src/files/sequence-files.js';
import { createLayout } from '../../src/files/sequence-layout.js';
import type { SequenceLayout, SequenceReader, SequenceWriterOptions } from '../../src/files/sequences.js';
import { openTensorFile } from '../../src/files/tensor-file.js';
import { makeFolder } from '../helpers/make-folder.js';
import { float32Bytes, npyFile, rejects, safetensorsFile, writeScratch } from './scratch.js';

async function openScratch(t: ExecutionContext, name: string, bytes: Uint8Array): Promise<SequenceReader> {
  const reader = await openSequences(await writeScratch(t, name, bytes));
  t.teardown(() => reader.close());
  return reader;
}

async function readAll(reader: SequenceReader): Promise<number[]> {
  const target = new Float32Array(new SharedArrayBuffer(reader.offsets.at(-1)! * reader.modelDim * 4));
  await reader.read(0, reader.count, target);
  return [...target];
}

/** Writes 1, 2, 3 … as the rows of `layout`, the last sequence first, and opens the result. */
async function roundTrip(
  t: ExecutionContext,
  name: string,
  layout: SequenceLayout,
  options?: SequenceWriterOptions,
): Promise<SequenceReader> {
  const path = join(await makeFolder(t), name);
  const writer = await createSequenceWriter(path, layout, options);
  for (let index = writer.count - 1; index >= 0; index--) {
    const begin = writer.offsets[index]! * writer.modelDim;
    const data = new Float32Array(writer.lengths[index]! * writer.modelDim);
    await writer.write(
      index,
      1,
      data.map((_, i) => begin + i + 1),
    );
  }
  await writer.commit();
  const reader = await openSequences(path);
  t.teardown(() => reader.close());
  return reader;
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

const rows = (shape: number[], begin = 0) => {
  const bytes = shape.reduce((count, length) => count * length, 4);
  return { dtype: 'F32', shape, data_offsets: [begin, begin + bytes] };
};

/** A packed file of 3 rows of 2 numbers with the given offsets. */
function packed(offsets: number[], dtype: 'I32' | 'I64' = 'I64', shape = [offsets.length]): Buffer {
  const numbers = dtype === 'I32' ? Int32Array.from(offsets) : BigInt64Array.from(offsets, BigInt);
  const header = { x: rows([3, 2]), offsets: { dtype, shape, data_offsets: [24, 24 + numbers.byteLength] } };
  const data = Buffer.concat([float32Bytes(...upTo(6)), new Uint8Array(numbers.buffer)]);
  return safetensorsFile(header, data);
}

const npy = (shape: string, count: number, descr = '<f4') =>
  npyFile(`{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}}`, float32Bytes(...upTo(count)));

for (const dtype of ['I32', 'I64'] as const) {
  test(`Packed sequences are read by their ${dtype} offsets, empty ones included`, async (t) => {
    const reader = await openScratch(t, 'a.safetensors', packed([0, 1, 1, 3], dtype));
    t.like(reader, { form: 'packed', modelDim: 2, count: 3, lengths: [1, 0, 2], offsets: [0, 1, 1, 3] });
    t.deepEqual(await readAll(reader), upTo(6));
    const last = new Float32Array(4);
    await reader.read(1, 2, last);
    t.deepEqual([...last], [3, 4, 5, 6]);
  });
}

test('Named sequences keep their names and the order of the header', async (t) => {
  const header = { late: rows([1, 2], 8), early: rows([1, 2]), none: rows([0, 2], 16) };
  const reader = await openScratch(t, 'a.safetensors', safetensorsFile(header, float32Bytes(1, 2, 3, 4)));
  t.like(reader, { form: 'named', names: ['late', 'early', 'none'], lengths: [1, 1, 0] });
  t.deepEqual(await readAll(reader), [3, 4, 1, 2]);
});

test('A tensor x without offsets is one named sequence', async (t) => {
  const reader = await openScratch(t, 'a.safetensors', safetensorsFile({ x: rows([3, 2]) }, 24));
  t.like(reader, { form: 'named', names: ['x'], lengths: [3] });
});

test('A .npy file of three axes holds sequences of equal lengths', async (t) => {
  const reader = await openScratch(t, 'a.npy', npy('(2, 3, 2)', 12));
  t.like(reader, { form: 'stacked', modelDim: 2, count: 2, lengths: [3, 3] });
  t.deepEqual(await readAll(reader), upTo(12));
});

test('A .npy file of two axes holds one sequence', async (t) => {
  const reader = await openScratch(t, 'a.npy', npy('(3, 2)', 6));
  t.like(reader, { form: 'single', modelDim: 2, count: 1, lengths: [3] });
});

const refuses = test.macro({
  title: (title) => `A file of sequences is refused: ${title ?? ''}`,
  exec: async (t: ExecutionContext, name: string, bytes: Uint8Array, what: string) => {
    const path = await writeScratch(t, name, bytes);
    await rejects(t, () => openSequences(path), { code: 'INVALID_FILE', path: `${path}: `, what });
  },
});

const st = 'a.safetensors';
test('offsets that start late', refuses, st, packed([1, 3]), '`offsets[0]`, got `1`');
test('offsets that fall', refuses, st, packed([0, 2, 1, 3]), '`offsets[2]`, got `1`');
test('offsets below 0', refuses, st, packed([0, -1, 3]), '`offsets[1]`, got `-1`');
test('offsets that end early', refuses, st, packed([0, 2]), '`offsets[1]`, got `2`');
test('offsets that end late', refuses, st, packed([0, 4]), '`offsets[1]`, got `4`');
test('no offsets', refuses, st, packed([]), '`offsets.shape`');
test('offsets of two axes', refuses, st, packed([0, 3], 'I64', [1, 2]), '`offsets.shape`');
test(
  'offsets that are floats',
  refuses,
  st,
  safetensorsFile({ x: rows([1, 1]), offsets: rows([2], 4) }, 12),
  '`offsets.dtype`, got `"F32"`',
);
test(
  'a third tensor beside x and offsets',
  refuses,
  st,
  safetensorsFile({ x: rows([1, 1]), offsets: rows([2], 4), y: rows([1], 12) }, 16),
  '`tensors`, got `"y"`',
);
test('no tensors', refuses, st, safetensorsFile({}), '`tensors`');
test('a tensor of one axis', refuses, st, safetensorsFile({ a: rows([2]) }, 8), '`a.shape`, got `[2]`');
test('rows of no numbers', refuses, st, safetensorsFile({ a: rows([2, 0]) }), '`a.shape`, got `[2,0]`');
test(
  'mixed modelDim',
  refuses,
  st,
  safetensorsFile({ a: rows([1, 2]), b: rows([1, 3], 8) }, 20),
  '`b.shape`, got `[1,3]`',
);
test(
  'named integers',
  refuses,
  st,
  safetensorsFile({ a: { dtype: 'I32', shape: [1, 1], data_offsets: [0, 4] } }, 4),
  '`a.dtype`, got `"I32"`',
);
test('.npy of integers', refuses, 'a.npy', npy('(3, 2)', 6, '<i4'), '`descr`');
test('.npy of one axis', refuses, 'a.npy', npy('(6,)', 6), '`shape`');
test('.npy of four axes', refuses, 'a.npy', npy('(1, 1, 3, 2)', 6), '`shape`');
test('.npy rows of no numbers', refuses, 'a.npy', npy('(3, 0)', 0), '`shape`');
test('.npy of very many empty sequences', refuses, 'a.npy', npy('(1000000000000, 0, 2)', 0), '`shape`');
test('An unknown extension is refused', async (t) => {
  await rejects(t, () => openSequences('a.csv'), {
    code: 'INVALID_OPTION',
    what: '.safetensors or .npy for `path`',
  });
});

test('Sequences that do not exist, and a target of another size, are refused', async (t) => {
  const reader = await openScratch(t, 'a.npy', npy('(2, 3, 2)', 12));
  const read = (first: number, count: number, length: number) => () =>
    reader.read(first, count, new Float32Array(length));
  await rejects(t, read(3, 0, 0), { code: 'INVALID_OPTION', what: '`first`, got `3`' });
  await rejects(t, read(-1, 1, 6), { code: 'INVALID_OPTION', what: '`first`' });
  await rejects(t, read(1, 2, 12), { code: 'INVALID_OPTION', what: '`count`, got `2`' });
  await rejects(t, read(0, 0.5, 3), { code: 'INVALID_OPTION', what: '`count`' });
  await rejects(t, read(0, 1, 5), { code: 'INVALID_SHAPE', what: '`data`, got a Float32Array of 5' });
  await read(2, 0, 0)();
});

test('Packed sequences come back from .safetensors, with metadata and aligned data', async (t) => {
  const metadata = new Map([['kernel', 'native']]);
  const layout = createLayout({ modelDim: 3, lengths: [2, 0, 5] });
  const reader = await roundTrip(t, 'b.safetensors', layout, { metadata });
  t.like(reader, { form: 'packed', modelDim: 3, lengths: [2, 0, 5], metadata });
  t.deepEqual(await readAll(reader), upTo(21));
  const file = await openTensorFile(reader.path);
  t.is(file.tensors.get('offsets')!.byteOffset % 8, 0);
  t.is(file.tensors.get('x')!.byteOffset % 4, 0);
  await file.close();
});

test('The output takes over the layout of its input, with a modelDim of its own', async (t) => {
  const input = await openScratch(t, st, safetensorsFile({ b: rows([1, 2]), a: rows([2, 2], 8) }, 24));
  const reader = await roundTrip(t, 'b.safetensors', input, { modelDim: 5 });
  t.like(reader, { form: 'named', names: ['b', 'a'], lengths: [1, 2], modelDim: 5 });
  t.deepEqual(await readAll(reader), upTo(15));
});

test('Sequences of one .npy file come back from another', async (t) => {
  const stacked = await roundTrip(t, 'b.npy', await openScratch(t, 'a.npy', npy('(2, 3, 2)', 12)));
  t.like(stacked, { form: 'stacked', count: 2, lengths: [3, 3] });
  t.deepEqual(await readAll(stacked), upTo(12));
  const single = await roundTrip(t, 'b.npy', await openScratch(t, 'a.npy', npy('(3, 2)', 6)));
  t.like(single, { form: 'single', lengths: [3] });
});

test('Sequences of .npy become packed in .safetensors, and equal lengths become .npy', async (t) => {
  const input = await openScratch(t, 'a.npy', npy('(2, 3, 2)', 12));
  const reader = await roundTrip(t, 'b.safetensors', input);
  t.like(reader, { form: 'packed', offsets: [0, 3, 6] });
  t.like(await roundTrip(t, 'c.npy', reader), { form: 'stacked', lengths: [3, 3] });
});

test('Files without sequences come back', async (t) => {
  const layout = createLayout({ modelDim: 4, lengths: [] });
  t.like(await roundTrip(t, 'a.safetensors', layout), { count: 0, modelDim: 4 });
  t.like(await roundTrip(t, 'a.npy', layout), { count: 0, modelDim: 4 });
});

test('Unequal lengths are no .npy, which the error says, and nothing is created', async (t) => {
  const folder = await makeFolder(t);
  const create = (lengths: number[]) =>
    createSequenceWriter(join(folder, 'a.npy'), createLayout({ modelDim: 2, lengths }));
  await rejects(t, () => create([3, 3, 4]), {
    code: 'INVALID_OPTION',
    what: '.npy holds equal lengths only',
  });
  await rejects(t, () => create([0, 0]), { code: 'INVALID_OPTION', what: '`lengths[0]`' });
  t.deepEqual(await readdir(folder), []);
});

test('A file can’t be committed before every sequence was written', async (t) => {
  const path = join(await makeFolder(t), 'a.safetensors');
  const writer = await createSequenceWriter(path, createLayout({ modelDim: 1, lengths: [1, 1, 1] }));
  await writer.write(0, 1, Float32Array.of(1));
  await writer.write(2, 1, Float32Array.of(3));
  await rejects(t, () => writer.commit(), { code: 'INVALID_OPTION', what: '`sequences[1]`' });
  await rejects(t, () => writer.write(1, 1, new Float32Array(2)), { code: 'INVALID_SHAPE', what: '`data`' });
  await rejects(t, () => writer.write(1, 3, new Float32Array(3)), {
    code: 'INVALID_OPTION',
    what: '`count`',
  });
  await writer.discard();
  t.deepEqual(await readdir(dirname(path)), []);
});

test('An interrupted file is continued to the same bytes as an uninterrupted one', async (t) => {
  const folder = await makeFolder(t);
  const layout = createLayout({ modelDim: 2, lengths: [1, 2, 3] });
  const data = Float32Array.from(upTo(12));
  const whole = await createSequenceWriter(join(folder, 'whole.safetensors'), layout);
  await whole.write(0, 3, data);
  await whole.commit();

  const path = join(folder, 'resumed.safetensors');
  const before = await createSequenceWriter(path, layout);
  await before.write(0, 2, data.subarray(0, 6));
  await before.sync();
  await before.close();
  const after = await createSequenceWriter(path, layout, { partialPath: before.partialPath });
  after.assumeWritten(0, 2);
  await after.write(2, 1, data.subarray(6));
  await after.commit();
  t.deepEqual(await readFile(path), await readFile(whole.path));
  t.deepEqual((await readdir(folder)).sort(), ['resumed.safetensors', 'whole.safetensors']);
});

test('Sequences behind 2 GiB are written and read where they belong', async (t) => {
  const path = join(await makeFolder(t), 'a.safetensors');
  const writer = await createSequenceWriter(path, createLayout({ modelDim: 4, lengths: [2 ** 28, 2] }));
  writer.assumeWritten(0, 1);
  await writer.write(1, 1, Float32Array.from(upTo(8)));
  await writer.commit();
  const reader = await openSequences(path);
  t.teardown(() => reader.close());
  const target = new Float32Array(8);
  await reader.read(1, 1, target);
  t.deepEqual([...target], upTo(8));
});

const layoutRefuses = test.macro(
  async (t: ExecutionContext, parts: Parameters<typeof createLayout>[0], what: string) => {
    await rejects(t, () => createLayout(parts), { code: 'INVALID_OPTION', what });
  },
);

test('A modelDim of 0 is no layout', layoutRefuses, { modelDim: 0, lengths: [1] }, '`modelDim`, got `0`');
test(
  'A negative length is no layout',
  layoutRefuses,
  { modelDim: 1, lengths: [1, -1] },
  '`lengths[1]`, got `-1`',
);
test('A fractional length is no layout', layoutRefuses, { modelDim: 1, lengths: [1.5] }, '`lengths[0]`');
test(
  'More than 2^53 numbers are no layout',
  layoutRefuses,
  { modelDim: 2 ** 30, lengths: [2 ** 30] },
  '`lengths`',
);
