import { execFileSync } from 'node:child_process';
import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { fileKeyOf, openRegularFile } from '../../src/files/open-file.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';
import { testOnUnix } from '../helpers/skips.js';

test('A regular file is opened with its size', async (t) => {
  const path = join(await makeFolder(t), 'a');
  await writeFile(path, 'seven b');
  const { handle, size } = await openRegularFile(path);
  t.is(size, 7);
  await handle.close();
});

test('A missing file is an error that keeps the system’s own', async (t) => {
  const path = join(await makeFolder(t), 'a');
  const error = await t.throwsAsync(openRegularFile(path));
  t.like(error, { code: 'FILE_FAILED', cause: { code: 'ENOENT' } });
});

test('A folder is not opened', async (t) => {
  const path = await makeFolder(t);
  await assertRefused(t, () => openRegularFile(path), {
    code: 'FILE_FAILED',
    path,
    what: 'a folder, not a regular file',
  });
});

testOnUnix('A FIFO is refused without waiting for its other end', async (t) => {
  const path = join(await makeFolder(t), 'fifo');
  execFileSync('mkfifo', [path]);
  await assertRefused(t, () => openRegularFile(path), { code: 'FILE_FAILED', path, what: 'a FIFO' });
});

testOnUnix('A device is refused', async (t) => {
  await assertRefused(t, () => openRegularFile('/dev/full'), { code: 'FILE_FAILED', what: 'a device' });
});

test('The same file is recognised under other names and through links', async (t) => {
  const folder = await makeFolder(t);
  const path = join(folder, 'a');
  await writeFile(path, 'a');
  await writeFile(join(folder, 'b'), 'a');
  await mkdir(join(folder, 'sub'));
  await link(path, join(folder, 'hard'));
  await symlink(path, join(folder, 'soft'));
  const key = await fileKeyOf(path);
  t.truthy(key);
  t.is(await fileKeyOf(`${folder}/sub/../a`), key);
  t.is(await fileKeyOf(join(folder, 'hard')), key);
  t.is(await fileKeyOf(join(folder, 'soft')), key);
  t.not(await fileKeyOf(join(folder, 'b')), key);
});

test('What does not exist has no key', async (t) => {
  t.is(await fileKeyOf(join(await makeFolder(t), 'a')), undefined);
});
