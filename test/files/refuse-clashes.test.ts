// Files that would be written twice, or are read too: by their names, by links, and where case makes no difference.
import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { refuseClashes } from '../../src/files/refuse-clashes.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';

const asOutput = (path: string) => ({ path, option: 'output' });
const asReport = (path: string) => ({ path, option: 'report' });

test('files that differ are taken, whether they are there or not', async (t) => {
  const folder = await makeFolder(t);
  const at = (name: string): string => join(folder, name);
  await writeFile(at('x'), '');
  await writeFile(at('y'), '');
  await t.notThrowsAsync(
    refuseClashes([asOutput(at('y')), asReport(at('new/y')), asReport(at('new/r'))], [at('x'), at('gone')]),
  );
});

test('two outputs of one name are refused, though nothing is there yet', async (t) => {
  const folder = await makeFolder(t);
  await symlink(folder, join(folder, 'loop'));
  const output = join(folder, 'new', 'y');
  for (const path of [output, join(folder, 'new', '..', 'new', 'y'), join(folder, 'loop', 'new', 'y')]) {
    await assertRefused(t, () => refuseClashes([asOutput(output), asReport(path)], []), {
      code: 'INVALID_OPTION',
      what: 'a file other than that of `output` for `report`',
    });
  }
  await assertRefused(t, () => refuseClashes([asOutput(output), asOutput(output)], []), {
    code: 'INVALID_OPTION',
    what: `a file of its own beside ${output} for \`output\``,
  });
});

test('two outputs that are one file by a link are refused', async (t) => {
  const folder = await makeFolder(t);
  const y = join(folder, 'y');
  await writeFile(y, '');
  await link(y, join(folder, 'hard'));
  await symlink(y, join(folder, 'soft'));
  for (const name of ['hard', 'soft']) {
    await assertRefused(t, () => refuseClashes([asOutput(y), asReport(join(folder, name))], []), {
      code: 'INVALID_OPTION',
      what: 'for `report`',
    });
  }
});

test('what is read is not written, under another name neither', async (t) => {
  const folder = await makeFolder(t);
  const x = join(folder, 'x');
  await writeFile(x, '');
  await link(x, join(folder, 'hard'));
  for (const path of [x, join(folder, 'hard')]) {
    await assertRefused(t, () => refuseClashes([asOutput(join(folder, 'y')), asReport(path)], [x]), {
      code: 'INVALID_OPTION',
      what: 'a file that is not read for `report`',
    });
  }
});

test('names that differ by case alone are two files, or one where the file system folds case', async (t) => {
  const folder = await makeFolder(t);
  const at = (...names: string[]): string => join(folder, ...names);
  await mkdir(at('exact'));
  await mkdir(at('folding'));
  await writeFile(at('exact', 'Some'), '');
  await writeFile(at('folding', 'Some'), '');
  // As a file system that folds case answers: the other case is there, and the same file.
  await link(at('folding', 'Some'), at('folding', 'sOME')).catch(() => undefined);
  const clash = { code: 'INVALID_OPTION', what: 'a file other than that of `output`' } as const;
  for (const below of [[], ['new']]) {
    const pair = (name: string) => [
      asOutput(at(name, ...below, 'é.npy')),
      asReport(at(name, ...below, 'É.NPY')),
    ];
    await assertRefused(t, () => refuseClashes(pair('folding'), []), clash);
    if (process.platform === 'linux') await t.notThrowsAsync(refuseClashes(pair('exact'), []));
  }
});
