import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readTextFile } from '../../src/files/text-file.js';
import { assertRefused } from '../helpers/assertions.js';
import { soon } from '../helpers/cpu-time.js';
import { makeFolder } from '../helpers/make-folder.js';

test('A file of text is read whole', async (t) => {
  const path = join(await makeFolder(t), 'a.yaml');
  await writeFile(path, 'heads: 8 # ä\n');
  t.is(await readTextFile(path, 14), 'heads: 8 # ä\n');
});

test('More than it may have is refused before it is read', async (t) => {
  const path = join(await makeFolder(t), 'a.yaml');
  await writeFile(path, 'heads: 8');
  await assertRefused(t, () => readTextFile(path, 7), {
    code: 'INVALID_FILE',
    path: `${path}: `,
    what: 'at most 7 bytes for `size`, got `8`',
  });
});

const refuses = test.macro({
  title: (kind) => `${kind ?? ''} is no file of text, and nobody waits for it`,
  exec: async (t: ExecutionContext, place: (path: string) => unknown, what: string) => {
    const path = join(await makeFolder(t), 'a.yaml');
    await place(path);
    const read = () => readTextFile(path, 1000);
    await soon(t, () => assertRefused(t, read, { code: 'FILE_FAILED', path: `${path}: `, what }));
  },
});

test('A FIFO', refuses, (path: string) => execFileSync('mkfifo', [path]), 'a FIFO');
test('A folder', refuses, (path: string) => mkdir(path), 'a folder');

test('A device is no file of text, and is not read', async (t) => {
  const what = 'a device';
  await assertRefused(t, () => readTextFile('/dev/zero', 1000), {
    code: 'FILE_FAILED',
    path: '/dev/zero: ',
    what,
  });
});
