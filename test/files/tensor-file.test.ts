import { mkdir, open, readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { formatNpyHeader } from '../../src/files/npy.js';
import { formatSafetensorsHeader } from '../../src/files/safetensors.js';
import type { StorageType } from '../../src/files/storage.js';
import { npyTensorName, openTensorFile, type TensorFile } from '../../src/files/tensor-file.js';
import { numpyBooleans, numpyFloats, numpyIntegers, numpyNumbers } from './numpy-fixtures.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';
import { float32Bytes, npyFile, safetensorsFile, writeScratch } from './scratch.js';

async function openScratch(t: ExecutionContext, name: string, bytes: Uint8Array): Promise<TensorFile> {
  const file = await openTensorFile(await writeScratch(t, name, bytes));
  t.teardown(() => file.close());
  return file;
}

/** A file of tensor `a` with the bytes of `data`. */
function openTyped(t: ExecutionContext, dtype: StorageType, shape: number[], data: ArrayBufferView) {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const entry = { dtype, shape, data_offsets: [0, bytes.length] };
  return openScratch(t, 'a.safetensors', safetensorsFile({ a: entry }, bytes));
}

for (const [title, shape, base64] of numpyFloats) {
  test(`Numbers written by NumPy are read: ${title}`, async (t) => {
    const file = await openScratch(t, 'a.npy', Buffer.from(base64, 'base64'));
    const tensor = await file.readTensor(npyTensorName);
    t.deepEqual(tensor.shape, shape);
    t.deepEqual([...tensor.data], numpyNumbers);
    const part = new Float32Array(3);
    await file.readFloat32(npyTensorName, part, 2);
    t.deepEqual([...part], numpyNumbers.slice(2, 5));
  });
}

test('Integers written by NumPy are read', async (t) => {
  const file = await openScratch(t, 'a.npy', Buffer.from(numpyIntegers, 'base64'));
  t.deepEqual([...(await file.readIntegers(npyTensorName))], [-3, 2, 2 ** 40, 0]);
});

test('Booleans written by NumPy are read', async (t) => {
  const file = await openScratch(t, 'a.npy', Buffer.from(numpyBooleans, 'base64'));
  t.deepEqual([...(await file.readBooleans(npyTensorName))], [1, 0, 1]);
});

const readsFloats = test.macro({
  title: (_, dtype: StorageType) => `${dtype} widens or rounds to float32`,
  exec: async (t: ExecutionContext, dtype: StorageType, data: ArrayBufferView, wanted: number[]) => {
    const file = await openTyped(t, dtype, [wanted.length], data);
    t.deepEqual([...(await file.readTensor('a')).data], wanted);
  },
});

test(readsFloats, 'F32', Float32Array.of(1.5, -0, Infinity), [1.5, -0, Infinity]);
test(readsFloats, 'F64', Float64Array.of(0.1, 1e300, NaN), [Math.fround(0.1), Infinity, NaN]);
test(readsFloats, 'F16', Uint16Array.of(0x3c00, 0x8001, 0x7bff), [1, -(2 ** -24), 65504]);
test(readsFloats, 'BF16', Uint16Array.of(0x3f80, 0xc000, 0x7f80), [1, -2, Infinity]);

const readsIntegers = test.macro({
  title: (_, dtype: StorageType) => `${dtype} is read as integers`,
  exec: async (t: ExecutionContext, dtype: StorageType, data: ArrayBufferView, wanted: number[]) => {
    const file = await openTyped(t, dtype, [wanted.length], data);
    t.deepEqual([...(await file.readIntegers('a'))], wanted);
  },
});

test(readsIntegers, 'I64', BigInt64Array.of(-(2n ** 53n) + 1n, 2n ** 53n - 1n), [
  -(2 ** 53) + 1,
  2 ** 53 - 1,
]);
test(readsIntegers, 'U64', BigUint64Array.of(0n, 7n), [0, 7]);
test(readsIntegers, 'I32', Int32Array.of(-(2 ** 31), 5), [-(2 ** 31), 5]);
test(readsIntegers, 'U32', Uint32Array.of(2 ** 32 - 1, 5), [2 ** 32 - 1, 5]);
test(readsIntegers, 'I16', Int16Array.of(-1, 5), [-1, 5]);
test(readsIntegers, 'U16', Uint16Array.of(65535, 5), [65535, 5]);
test(readsIntegers, 'I8', Int8Array.of(-1, 5), [-1, 5]);
test(readsIntegers, 'U8', Uint8Array.of(255, 5), [255, 5]);

test('An integer of 2^53 or more is refused by its index', async (t) => {
  const signed = await openTyped(t, 'I64', [3], BigInt64Array.of(0n, 1n, 2n ** 53n + 1n));
  const unsigned = await openTyped(t, 'U64', [2], BigUint64Array.of(0n, 2n ** 64n - 1n));
  await assertRefused(t, () => signed.readIntegers('a'), {
    code: 'INVALID_FILE',
    path: signed.path,
    what: '`a[2]`',
  });
  await assertRefused(t, () => unsigned.readIntegers('a'), { code: 'INVALID_FILE', what: '`a[1]`' });
});

test('Any byte but 0 is true', async (t) => {
  const file = await openTyped(t, 'BOOL', [4], Uint8Array.of(0, 1, 2, 255));
  t.deepEqual([...(await file.readBooleans('a'))], [0, 1, 1, 1]);
});

test('Tensors of another kind are refused by their dtype', async (t) => {
  const file = await openTyped(t, 'I32', [1], Int32Array.of(1));
  const refusal = { code: 'INVALID_FILE', path: file.path, what: '`a.dtype`, got `"I32"`' } as const;
  await assertRefused(t, () => file.readFloat32('a', new Float32Array(1)), refusal);
  await assertRefused(t, () => file.readTensor('a'), refusal);
  await assertRefused(t, () => file.readBooleans('a'), refusal);
  const floats = await openTyped(t, 'F32', [1], Float32Array.of(1));
  await assertRefused(t, () => floats.readIntegers('a'), {
    ...refusal,
    path: floats.path,
    what: '`a.dtype`',
  });
});

test('A tensor that is not there is refused by its name', async (t) => {
  const file = await openTyped(t, 'F32', [1], Float32Array.of(1));
  await assertRefused(t, () => file.readTensor('b'), { code: 'INVALID_FILE', what: '`b`, got nothing' });
});

test('A range outside the tensor is refused, its end included', async (t) => {
  const file = await openTyped(t, 'F32', [3], new Float32Array(3));
  for (const [first, length] of [
    [0, 4],
    [3, 1],
    [-1, 1],
    [0.5, 1],
  ] as const) {
    const read = () => file.readFloat32('a', new Float32Array(length), first);
    await assertRefused(t, read, { code: 'INVALID_SHAPE', what: '[3]' });
  }
  await file.readFloat32('a', new Float32Array(0), 3);
});

test('Data at odd addresses are read, into the middle of shared memory too', async (t) => {
  const header = {
    a: { dtype: 'F32', shape: [2], data_offsets: [1, 9] },
    b: { dtype: 'BF16', shape: [1], data_offsets: [9, 11] },
    c: { dtype: 'U8', shape: [1], data_offsets: [0, 1] },
  };
  const data = Buffer.concat([Uint8Array.of(9), float32Bytes(1.5, -2), Uint8Array.of(0x80, 0x3f)]);
  const file = await openScratch(t, 'a.safetensors', safetensorsFile(header, data));
  const memory = new Float32Array(new SharedArrayBuffer(16));
  await file.readFloat32('a', memory.subarray(1, 3));
  await file.readFloat32('b', memory.subarray(3));
  t.deepEqual([...memory], [0, 1.5, -2, 1]);
});

test('A tensor without elements is read', async (t) => {
  const file = await openTyped(t, 'F16', [0, 64], new Uint8Array(0));
  t.like(await file.readTensor('a'), { shape: [0, 64], data: { length: 0 } });
});

test('Tensors larger than a chunk are converted whole, in both orders', async (t) => {
  const shape = [700, 3, 301];
  const count = 700 * 3 * 301;
  const big = Buffer.alloc(count * 2);
  for (let i = 0; i < count; i++) big.writeUInt16BE(0x3c00 + (i % 1024), i * 2);
  const wanted = (i: number) => 1 + (i % 1024) / 1024;
  const header = (order: string) =>
    `{'descr': '>f2', 'fortran_order': ${order}, 'shape': (${shape.join(', ')})}`;
  const rows = await openScratch(t, 'c.npy', npyFile(header('False'), big));
  const columns = await openScratch(t, 'f.npy', npyFile(header('True'), big));
  const c = (await rows.readTensor(npyTensorName)).data;
  const f = (await columns.readTensor(npyTensorName)).data;
  t.true(c.every((value, i) => value === wanted(i)));
  t.true(
    f.every((value, i) => {
      const [a, b, d] = [Math.floor(i / 903), Math.floor(i / 301) % 3, i % 301];
      return value === wanted(a + 700 * (b + 3 * d));
    }),
  );
});

test('Concurrent reads do not disturb one another', async (t) => {
  const numbers = Float64Array.from({ length: 300_000 }, (_, index) => index);
  const file = await openTyped(t, 'F64', [numbers.length], numbers);
  const reads = Array.from({ length: 8 }, async (_, part) => {
    const target = new Float32Array(200_000);
    await file.readFloat32('a', target, part * 10_000);
    t.true(target.every((value, index) => value === part * 10_000 + index));
  });
  await Promise.all(reads);
});

test('Numbers beyond 2 GiB are read from where they are', async (t) => {
  const count = 3 * 2 ** 28;
  const outlines = [
    { name: 'a', dtype: 'F32', shape: [count, 1] },
    { name: 'b', dtype: 'F16', shape: [2] },
  ] as const;
  const { bytes, fileSize } = formatSafetensorsHeader(outlines);
  const path = await writeScratch(t, 'large.safetensors', bytes);
  const handle = await open(path, 'r+');
  await handle.truncate(fileSize);
  await handle.write(float32Bytes(1, 2, 3), 0, 12, fileSize - 16);
  await handle.write(Uint8Array.of(0, 0x3c, 0, 0x40), 0, 4, fileSize - 4);
  await handle.close();
  const file = await openTensorFile(path);
  t.teardown(() => file.close());
  const end = new Float32Array(4);
  await file.readFloat32('a', end, count - 4);
  t.deepEqual([...end], [0, 1, 2, 3]);
  t.deepEqual([...(await file.readTensor('b')).data], [1, 2]);
});

test('A file that shrinks after it was opened is an error that names it', async (t) => {
  const file = await openScratch(
    t,
    'a.npy',
    npyFile("{'descr':'<f4','fortran_order':False,'shape':(8,)}", 32),
  );
  await truncate(file.path, 70);
  await assertRefused(t, () => file.readTensor(npyTensorName), {
    code: 'INVALID_FILE',
    path: `${file.path}: `,
    what: '`data`',
  });
});

test('Reading after close fails, closing again does not', async (t) => {
  const file = await openTyped(t, 'F32', [1], Float32Array.of(1));
  await file.close();
  await file.close();
  await assertRefused(t, () => file.readTensor('a'), {
    code: 'FILE_FAILED',
    path: file.path,
    what: 'could not read',
  });
});

test('The extension says the format, in any case, and others are refused', async (t) => {
  const file = await openScratch(
    t,
    'A.NPY',
    Buffer.concat([formatNpyHeader('U8', [2]), Uint8Array.of(1, 2)]),
  );
  t.is(file.format, 'npy');
  const path = await writeScratch(t, 'a.bin', new Uint8Array(1));
  await assertRefused(t, () => openTensorFile(path), {
    code: 'INVALID_FILE',
    path,
    what: '`path`, got `".bin"`',
  });
});

const refusesEmpty = test.macro(async (t: ExecutionContext, name: string, what: string) => {
  const path = await writeScratch(t, name, new Uint8Array(0));
  await assertRefused(t, () => openTensorFile(path), { code: 'INVALID_FILE', path, what });
});

test('An empty .npy file is refused', refusesEmpty, 'a.npy', '`magic`');
test('An empty .safetensors file is refused', refusesEmpty, 'a.safetensors', '`header length`');

test('All 139 conformance files are read whole', async (t) => {
  const root = 'test/conformance';
  const names = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.safetensors'));
  t.is(names.length, 139);
  for (const name of names) {
    const file = await openTensorFile(join(root, name));
    for (const [key, { dtype }] of file.tensors) {
      if (dtype === 'BOOL') await file.readBooleans(key);
      else if (dtype.startsWith('I')) await file.readIntegers(key);
      else await file.readTensor(key);
    }
    await file.close();
  }
});

test('A folder with the right extension is refused', async (t) => {
  const path = join(await makeFolder(t), 'a.npy');
  await mkdir(path);
  await assertRefused(t, () => openTensorFile(path), { code: 'FILE_FAILED', path, what: 'a folder' });
});
