import { execFile, execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { createAtomicFile } from '../../src/files/atomic-file.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';
import { testAsUser, testOnUnix } from '../helpers/skips.js';

test('Nothing stands under the name before commit, and all of it after', async (t) => {
  const folder = await makeFolder(t);
  const path = join(folder, 'a.bin');
  const file = await createAtomicFile(path);
  await file.write(Uint8Array.of(4, 5, 6), 3);
  await file.write(Uint8Array.of(1, 2, 3), 0);
  const names = await readdir(folder);
  t.is(names.length, 1);
  t.regex(names[0]!, new RegExp(`^\\.a\\.bin\\.${process.pid}-[0-9a-f]+\\.tmp$`));
  await file.commit();
  t.deepEqual(await readdir(folder), ['a.bin']);
  t.deepEqual([...(await readFile(path))], [1, 2, 3, 4, 5, 6]);
});

test('What stood under the name stays until commit replaces it', async (t) => {
  const path = join(await makeFolder(t), 'a');
  await writeFile(path, 'old');
  const file = await createAtomicFile(path);
  await file.write(Buffer.from('new!'), 0);
  t.is(await readFile(path, 'utf8'), 'old');
  await file.commit();
  t.is(await readFile(path, 'utf8'), 'new!');
});

test('Discarding leaves nothing, and is allowed twice and after commit', async (t) => {
  const folder = await makeFolder(t);
  const file = await createAtomicFile(join(folder, 'a'));
  await file.write(Uint8Array.of(1), 0);
  await file.discard();
  await file.discard();
  t.deepEqual(await readdir(folder), []);
  const kept = await createAtomicFile(join(folder, 'b'));
  await kept.commit();
  await kept.discard();
  t.deepEqual(await readdir(folder), ['b']);
});

test('Shared memory and parts of buffers are written as they are', async (t) => {
  const path = join(await makeFolder(t), 'a');
  const memory = new Uint16Array(new SharedArrayBuffer(6));
  memory.set([1, 2, 3]);
  const file = await createAtomicFile(path);
  await file.write(memory.subarray(1), 0);
  await file.commit();
  t.deepEqual([...(await readFile(path))], [2, 0, 3, 0]);
});

test('The length can be set, with zeros where nothing was written', async (t) => {
  const path = join(await makeFolder(t), 'a');
  const file = await createAtomicFile(path);
  await file.setLength(6);
  await file.write(Uint8Array.of(7), 2);
  await file.commit();
  t.deepEqual([...(await readFile(path))], [0, 0, 7, 0, 0, 0]);
});

test('Positions beyond 2 GiB are written', async (t) => {
  const path = join(await makeFolder(t), 'a');
  const file = await createAtomicFile(path);
  await file.write(Uint8Array.of(7), 3 * 2 ** 30);
  await file.commit();
  t.is((await stat(path)).size, 3 * 2 ** 30 + 1);
});

test('A partial file is continued under the name it was given', async (t) => {
  const folder = await makeFolder(t);
  const path = join(folder, 'a');
  const partialPath = join(folder, 'a.partial');
  const first = await createAtomicFile(path, { partialPath });
  await first.write(Uint8Array.of(1, 2), 0);
  await first.sync();
  await first.close();
  t.deepEqual(await readdir(folder), ['a.partial']);
  const second = await createAtomicFile(path, { partialPath });
  await second.write(Uint8Array.of(3), 2);
  await second.commit();
  t.deepEqual(await readdir(folder), ['a']);
  t.deepEqual([...(await readFile(path))], [1, 2, 3]);
});

test('A partial file must lie beside the final one, and not be it', async (t) => {
  const path = join(await makeFolder(t), 'a');
  const option = { code: 'INVALID_OPTION', what: '`partialPath`' } as const;
  await assertRefused(t, () => createAtomicFile(path, { partialPath: '/elsewhere' }), option);
  await assertRefused(t, () => createAtomicFile(path, { partialPath: path }), option);
});

testOnUnix('A partial path that is a link is refused, so that nothing behind it is written', async (t) => {
  const folder = await makeFolder(t);
  const partialPath = join(folder, 'link');
  await writeFile(join(folder, 'victim'), 'old');
  await symlink(join(folder, 'victim'), partialPath);
  await assertRefused(t, () => createAtomicFile(join(folder, 'a'), { partialPath }), {
    code: 'FILE_FAILED',
    what: 'it is a link',
  });
});

test('Writing and committing after the end fail', async (t) => {
  const file = await createAtomicFile(join(await makeFolder(t), 'a'));
  await file.commit();
  const closed = { code: 'FILE_FAILED', path: file.path, what: 'closed already' } as const;
  await assertRefused(t, () => file.write(Uint8Array.of(1), 0), closed);
  await assertRefused(t, () => file.commit(), closed);
});

test('A folder under the name is refused at once', async (t) => {
  const folder = await makeFolder(t);
  const path = join(folder, 'a');
  await mkdir(path);
  await assertRefused(t, () => createAtomicFile(path), { code: 'FILE_FAILED', path, what: 'a folder' });
  t.deepEqual(await readdir(folder), ['a']);
});

test('A missing folder is refused at once', async (t) => {
  const path = join(await makeFolder(t), 'missing', 'a');
  await assertRefused(t, () => createAtomicFile(path), { code: 'FILE_FAILED', path, what: 'ENOENT' });
});

testOnUnix('A FIFO and a device are refused at once', async (t) => {
  const path = join(await makeFolder(t), 'fifo');
  execFileSync('mkfifo', [path]);
  await assertRefused(t, () => createAtomicFile(path), { code: 'FILE_FAILED', path, what: 'a FIFO' });
  await assertRefused(t, () => createAtomicFile('/dev/full'), { code: 'FILE_FAILED', what: 'a device' });
});

testAsUser('A read-only folder is refused at once', async (t) => {
  const folder = await makeFolder(t);
  await chmod(folder, 0o555);
  return () =>
    assertRefused(t, () => createAtomicFile(join(folder, 'a')), { code: 'FILE_FAILED', what: 'EACCES' });
});

test('A name that became a folder under way leaves the partial file to discard', async (t) => {
  const folder = await makeFolder(t);
  const file = await createAtomicFile(join(folder, 'a'));
  await mkdir(join(folder, 'a'));
  await assertRefused(t, () => file.commit(), {
    code: 'FILE_FAILED',
    path: file.path,
    what: 'could not rename',
  });
  await file.discard();
  t.deepEqual(await readdir(folder), ['a']);
});

testOnUnix('A limit reached in the middle of a write is an error, and the old file stays', async (t) => {
  const folder = await makeFolder(t);
  const path = join(folder, 'a');
  await writeFile(path, 'old');
  const module = new URL('../../src/files/atomic-file.js', import.meta.url).href;
  const script = `
    import { createAtomicFile } from ${JSON.stringify(module)};
    const file = await createAtomicFile(${JSON.stringify(path)});
    await file.write(new Uint8Array(300_000), 0).then(() => file.commit(), async (error) => {
      await file.discard();
      console.log(error.code, error.cause.code);
    });`;
  const command = 'ulimit -f 100; exec "$0" --input-type=module -e "$1"';
  const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, script]);
  t.is(stdout, 'FILE_FAILED EFBIG\n');
  t.deepEqual(await readdir(folder), ['a']);
  t.is(await readFile(path, 'utf8'), 'old');
});
