import { open } from 'node:fs/promises';
import test from 'ava';
import { openSequences } from '../../../src/files/sequences/formats.js';
import { assertRefused } from '../../helpers/assertions.js';
import { npy, openScratch, packed, readAll, rows, upTo } from '../../helpers/reader-files.js';
import { float32Bytes, safetensorsFile, writeScratch } from '../scratch.js';

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

test('An unknown extension is refused', async (t) => {
  await assertRefused(t, () => openSequences('a.csv'), {
    code: 'INVALID_OPTION',
    what: '.safetensors, .npy, .npy.gz, .npy.zst, .npz, .jsonl',
  });
});

for (const [path, how] of [
  ['a.csv', "numpy.loadtxt(path, delimiter=',', dtype='f4')"],
  ['a.pt', 'safetensors.torch.save_file'],
  ['a.h5', 'h5py.File(path)'],
  ['a.npz.gz', 'decompress it first'],
] as const) {
  test(`How ${path} becomes a file that is read is said`, async (t) => {
    await assertRefused(t, () => openSequences(path), { code: 'INVALID_OPTION', what: how });
  });
}

test('Sequences that do not exist, and a target of another size, are refused', async (t) => {
  const reader = await openScratch(t, 'a.npy', npy('(2, 3, 2)', 12));
  const read = (first: number, count: number, length: number) => () =>
    reader.read(first, count, new Float32Array(length));
  await assertRefused(t, read(3, 0, 0), { code: 'INVALID_OPTION', what: '`first`, got `3`' });
  await assertRefused(t, read(-1, 1, 6), { code: 'INVALID_OPTION', what: '`first`' });
  await assertRefused(t, read(1, 2, 12), { code: 'INVALID_OPTION', what: '`count`, got `2`' });
  await assertRefused(t, read(0, 0.5, 3), { code: 'INVALID_OPTION', what: '`count`' });
  await assertRefused(t, read(0, 1, 5), { code: 'INVALID_SHAPE', what: '`data`, got a Float32Array of 5' });
  await read(2, 0, 0)();
});

test('Sequences beyond 2 GiB are read where they belong', async (t) => {
  const first = 2 ** 28;
  const tensors = {
    x: { dtype: 'F32', shape: [first + 2, 4], data_offsets: [0, 16 * (first + 2)] },
    offsets: { dtype: 'I64', shape: [3], data_offsets: [16 * (first + 2), 16 * (first + 2) + 24] },
  };
  const header = safetensorsFile(tensors);
  const path = await writeScratch(t, 'a.safetensors', header);
  const handle = await open(path, 'r+');
  await handle.write(float32Bytes(...upTo(8)), 0, 32, header.length + 16 * first);
  const offsets = BigInt64Array.of(0n, BigInt(first), BigInt(first + 2));
  await handle.write(new Uint8Array(offsets.buffer), 0, 24, header.length + 16 * (first + 2));
  await handle.close();
  const reader = await openSequences(path);
  t.teardown(() => reader.close());
  const target = new Float32Array(8);
  await reader.read(1, 1, target);
  t.deepEqual([...target], upTo(8));
});
