// What would keep a file from being written, found before there is anything to write.
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { foreseeOutputs, prepareOutputs } from '../../src/files/prepare-outputs.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';

test('folders are made, nothing else is left, and files that are there stay', async (t) => {
  const folder = await makeFolder(t);
  await writeFile(join(folder, 'y'), 'precious');
  await prepareOutputs(['y', 'a/b/y', 'a/z'].map((name) => join(folder, name)));
  t.deepEqual((await readdir(folder, { recursive: true })).sort(), ['a', join('a', 'b'), 'y']);
});

test('what can be said without writing is said, and makes no folder', async (t) => {
  const folder = await makeFolder(t);
  await foreseeOutputs(['y', 'a/b/y'].map((name) => join(folder, name)));
  t.deepEqual(await readdir(folder), []);
});

for (const check of [prepareOutputs, foreseeOutputs]) {
  test(`${check.name} refuses a folder in the place of a file, the second one of a folder too`, async (t) => {
    const folder = await makeFolder(t);
    await mkdir(join(folder, 'y'));
    await assertRefused(t, () => check([join(folder, 'x'), join(folder, 'y')]), {
      code: 'FILE_FAILED',
      path: join(folder, 'y'),
      what: 'could not replace: it is a folder',
    });
  });

  test(`${check.name} refuses a file in the place of a folder`, async (t) => {
    const folder = await makeFolder(t);
    await writeFile(join(folder, 'file'), '');
    for (const path of ['file/y', 'file/a/y']) {
      await assertRefused(t, () => check([join(folder, path)]), { code: 'FILE_FAILED' });
    }
    t.true((await stat(join(folder, 'file'))).isFile());
  });
}
