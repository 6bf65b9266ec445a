// Bytes one after another into a file that appears when it is complete, or into a pipe.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { crc32 } from 'node:zlib';
import test from 'ava';
import { openFileSink, openPipeSink } from '../../src/files/byte-sink.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';

const bytesOf = (text: string) => Buffer.from(text);

test('a file appears under its name when it is committed, with all pieces in order', async (t) => {
  const path = join(await makeFolder(t), 'out');
  const sink = await openFileSink(path);
  const first = await sink.append([bytesOf('ab'), Float32Array.of(1)]);
  t.deepEqual(first, { begin: 0, byteLength: 6, checksum: crc32(Buffer.from('ab\0\0\x80\x3f', 'latin1')) });
  t.deepEqual(await sink.append([]), { begin: 6, byteLength: 0, checksum: 0 });
  t.deepEqual(await sink.append([bytesOf('cd')]), { begin: 6, byteLength: 2, checksum: crc32('cd') });
  t.is(sink.byteLength, 8);
  t.false((await readdir(dirname(path))).includes('out'));
  await sink.sync();
  await sink.commit();
  t.deepEqual(await readdir(dirname(path)), ['out']);
  t.is(await readFile(path, 'latin1'), 'ab\0\0\x80\x3fcd');
});

// zlib's crc32 forgets what came before where there is no memory at all, as in an empty ArrayBuffer.
test('a piece without bytes changes no checksum', async (t) => {
  const sink = await openFileSink(join(await makeFolder(t), 'out'));
  t.teardown(() => sink.discard());
  const part = await sink.append([bytesOf('ab'), new Uint8Array(0), new Float32Array(0)]);
  t.deepEqual(part, { begin: 0, byteLength: 2, checksum: crc32('ab') });
});

test('bytes in shared memory are written like any', async (t) => {
  const path = join(await makeFolder(t), 'out');
  const shared = new Float32Array(new SharedArrayBuffer(8));
  shared.set([1, 2]);
  const sink = await openFileSink(path);
  const part = await sink.append([shared.subarray(1)]);
  await sink.commit();
  t.deepEqual(new Uint8Array(await readFile(path)), new Uint8Array(Float32Array.of(2).buffer));
  t.is(part.checksum, crc32(await readFile(path)));
});

test('the first bytes can be written over, and the end stays where it was', async (t) => {
  const path = join(await makeFolder(t), 'out');
  const sink = await openFileSink(path);
  await sink.append([bytesOf('0000')]);
  await sink.append([bytesOf('rows')]);
  t.deepEqual(await sink.rewrite(bytesOf('head')), { begin: 0, byteLength: 4, checksum: crc32('head') });
  t.deepEqual(await sink.append([bytesOf('!')]), { begin: 8, byteLength: 1, checksum: crc32('!') });
  await sink.commit();
  t.is(await readFile(path, 'utf8'), 'headrows!');
});

test('a later sink goes on after what is to be kept, and the rest is cut off', async (t) => {
  const path = join(await makeFolder(t), 'out');
  const partialPath = `${path}.partial`;
  const first = await openFileSink(path, { partialPath, byteLength: 0 });
  await first.append([bytesOf('kept and torn')]);
  await first.close();
  t.deepEqual(await readdir(dirname(path)), ['out.partial']);
  const second = await openFileSink(path, { partialPath, byteLength: 4 });
  t.is(second.byteLength, 4);
  t.is(await readFile(partialPath, 'utf8'), 'kept');
  t.deepEqual(await second.append([bytesOf('!')]), { begin: 4, byteLength: 1, checksum: crc32('!') });
  await second.commit();
  t.is(await readFile(path, 'utf8'), 'kept!');
});

test('a partial file with less than is to be kept is refused, and stays', async (t) => {
  const path = join(await makeFolder(t), 'out');
  const partialPath = `${path}.partial`;
  await writeFile(partialPath, 'abc');
  await assertRefused(t, () => openFileSink(path, { partialPath, byteLength: 4 }), {
    code: 'INVALID_FILE',
    path: partialPath,
    what: 'at least 4 for `bytes`, got `3`',
  });
  t.is(await readFile(partialPath, 'utf8'), 'abc');
});

test('a discarded file leaves nothing, and what had its name stays', async (t) => {
  const path = join(await makeFolder(t), 'out');
  await writeFile(path, 'precious');
  const sink = await openFileSink(path);
  await sink.append([bytesOf('new')]);
  await sink.discard();
  t.deepEqual(await readdir(dirname(path)), ['out']);
  t.is(await readFile(path, 'utf8'), 'precious');
});

test('a folder in the place of the file is refused', async (t) => {
  const path = join(await makeFolder(t), 'out');
  await mkdir(path);
  await assertRefused(t, () => openFileSink(path), { code: 'FILE_FAILED', path, what: 'a folder' });
});

/** A pipe that takes its time for each write. */
function slowPipe(): { readonly pipe: Writable; readonly taken: () => string } {
  let taken = '';
  const pipe = new Writable({
    highWaterMark: 1,
    write: (bytes: Buffer, _, done) => {
      setTimeout(() => {
        taken += bytes.toString();
        done();
      }, 5);
    },
  });
  return { pipe, taken: () => taken };
}

test('a pipe has taken the bytes when the append resolves', async (t) => {
  const { pipe, taken } = slowPipe();
  const sink = openPipeSink(pipe, 'standard output');
  const bytes = bytesOf('abc');
  t.deepEqual(await sink.append([bytes]), { begin: 0, byteLength: 3, checksum: crc32('abc') });
  bytes.fill('x');
  t.is(taken(), 'abc');
  t.deepEqual(await sink.append([bytesOf('de'), bytesOf('f')]), {
    begin: 3,
    byteLength: 3,
    checksum: crc32('def'),
  });
  t.is(taken(), 'abcdef');
  t.is(sink.byteLength, 6);
});

test('what a pipe begins with is counted once, not written again', async (t) => {
  const { pipe, taken } = slowPipe();
  const sink = openPipeSink(pipe, 'standard output');
  await sink.append([bytesOf('head')]);
  t.deepEqual(await sink.rewrite(bytesOf('head')), { begin: 0, byteLength: 4, checksum: crc32('head') });
  for (const step of ['sync', 'commit', 'close', 'discard'] as const) await sink[step]();
  t.is(taken(), 'head');
  t.false(pipe.writableEnded, 'standard output is not ours to end');
});

test('a pipe that fails is reported by its name', async (t) => {
  const pipe = new Writable({
    write: (_bytes, _encoding, done) => {
      done(new Error('nobody reads'));
    },
  });
  pipe.on('error', () => undefined);
  const sink = openPipeSink(pipe, 'standard output');
  await assertRefused(t, () => sink.append([bytesOf('abc')]), {
    code: 'FILE_FAILED',
    path: 'standard output',
    what: 'nobody reads',
  });
});
