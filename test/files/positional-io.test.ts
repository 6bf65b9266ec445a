import test from 'ava';
import { bytesOf, readFully, writeFully, type Reading, type Writing } from '../../src/files/positional-io.js';
import { assertRefused } from '../helpers/assertions.js';

/** A file whose calls move at most `most` bytes each, and note where and how much. */
function slowFile(most: number, { size = Infinity }: { size?: number } = {}) {
  const calls: { offset: number; length: number; position: number }[] = [];
  const transfer = (offset: number, length: number, position: number) => {
    calls.push({ offset, length, position });
    return Math.max(0, Math.min(length, most, size - position));
  };
  const read = (bytes: Uint8Array, offset: number, length: number, position: number) =>
    Promise.resolve({ bytesRead: transfer(offset, length, position), buffer: bytes });
  const write = (bytes: Uint8Array, offset: number, length: number, position: number) =>
    Promise.resolve({ bytesWritten: transfer(offset, length, position), buffer: bytes });
  return { calls, file: { read, write } as unknown as Reading & Writing };
}

test('Short reads are continued until all bytes are there', async (t) => {
  const { calls, file } = slowFile(4);
  await readFully(file, new Uint8Array(10), { path: 'a', position: 100 });
  t.deepEqual(
    calls.map(({ offset, position }) => [offset, position]),
    [
      [0, 100],
      [4, 104],
      [8, 108],
    ],
  );
});

test('Short writes are continued until all bytes are there', async (t) => {
  const { calls, file } = slowFile(4);
  await writeFully(file, new Uint8Array(10), { path: 'a', position: 100 });
  t.deepEqual(
    calls.map(({ offset, length, position }) => [offset, length, position]),
    [
      [0, 10, 100],
      [4, 6, 104],
      [8, 2, 108],
    ],
  );
});

test('Transfers of 2 GiB and more are split', async (t) => {
  // The memory is never touched, so it is never had.
  const bytes = new Uint8Array(2 ** 31 + 5);
  for (const transfer of [readFully, writeFully]) {
    const { calls, file } = slowFile(Infinity);
    await transfer(file, bytes, { path: 'a', position: 0 });
    t.true(calls.every(({ length }) => length < 2 ** 31));
    t.is(
      calls.reduce((sum, { length }) => sum + length, 0),
      bytes.length,
    );
  }
});

test('Numbers of more than 4 GiB are moved whole', async (t) => {
  // The memory is never touched, so it is never had.
  const numbers = new Float32Array(new SharedArrayBuffer(2 ** 32 + 8));
  for (const transfer of [readFully, writeFully]) {
    const { calls, file } = slowFile(Infinity);
    await transfer(file, numbers, { path: 'a', position: 5 });
    t.deepEqual(
      calls.map(({ length, position }) => [length, position]),
      [0, 1, 2, 3, 4].map((piece) => [piece < 4 ? 2 ** 30 : 8, 5 + piece * 2 ** 30]),
    );
  }
});

test('Nothing is read or written for no bytes', async (t) => {
  const { calls, file } = slowFile(4);
  await readFully(file, new Uint8Array(0), { path: 'a', position: 0 });
  await writeFully(file, new Uint8Array(0), { path: 'a', position: 0 });
  t.is(calls.length, 0);
});

test('A file that ends too early is an error that says where', async (t) => {
  const { file } = slowFile(Infinity, { size: 7 });
  await assertRefused(t, () => readFully(file, new Uint8Array(10), { path: 'a.npy', position: 2 }), {
    code: 'INVALID_FILE',
    path: 'a.npy: ',
    what: 'at least 12 bytes for `data`, got `7`',
  });
});

test('A disk that takes nothing more is an error, not an endless loop', async (t) => {
  const { file } = slowFile(Infinity, { size: 7 });
  await assertRefused(t, () => writeFully(file, new Uint8Array(10), { path: 'a', position: 0 }), {
    code: 'FILE_FAILED',
    path: 'a: ',
    what: 'could not write',
  });
});

test('A disk that is full after a short write is an error that keeps the system’s own', async (t) => {
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  let calls = 0;
  const file = {
    write: () => (calls++ === 0 ? Promise.resolve({ bytesWritten: 6 }) : Promise.reject(full)),
  } as unknown as Writing;
  const error = await t.throwsAsync(writeFully(file, new Uint8Array(10), { path: 'a', position: 0 }));
  t.like(error, { code: 'FILE_FAILED', cause: full, message: `a: could not write: ${full.message}` });
});

test('The bytes of a view are its own part of the buffer', (t) => {
  const numbers = new Float32Array(new SharedArrayBuffer(16), 4, 2);
  bytesOf(numbers).fill(255);
  t.deepEqual(
    [...new Uint8Array(numbers.buffer)],
    [...Buffer.alloc(4), ...Buffer.alloc(8, 255), ...Buffer.alloc(4)],
  );
});
