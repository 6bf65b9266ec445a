import { execFileSync } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findFiles } from '../../src/files/find-files.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';
import { testAsUser, testOnUnix } from '../helpers/skips.js';

const extensions = ['.npy', '.jsonl'];

/** A folder with empty files of these names, where a name that ends with a slash is a folder. */
async function makeTree(t: ExecutionContext, ...names: string[]): Promise<string> {
  const folder = await makeFolder(t);
  for (const name of names) {
    await mkdir(join(folder, name, name.endsWith('/') ? '.' : '..'), { recursive: true });
    if (!name.endsWith('/')) await writeFile(join(folder, name), '');
  }
  return folder;
}

/** What `patterns` in `folder` find, without the folder. */
async function find(folder: string, ...patterns: string[]): Promise<string[]> {
  const { files } = await findFiles(
    patterns.map((pattern) => (pattern === '-' ? pattern : `${folder}/${pattern}`)),
    extensions,
  );
  return files.map(({ path }) => path.replace(`${folder}/`, ''));
}

async function pathsOf(...patterns: string[]): Promise<string[]> {
  return (await findFiles(patterns, extensions)).files.map(({ path }) => path);
}

const noFile = 'Expected at least one file of .npy, .jsonl for `input`, got ';

test('A file is taken as it is, whatever its extension', async (t) => {
  const folder = await makeTree(t, 'a.txt', '.hidden', 'b.npy');
  t.deepEqual(await find(folder, 'b.npy', 'a.txt', '.hidden'), ['b.npy', 'a.txt', '.hidden']);
});

test('A file whose name is a glob is that file', async (t) => {
  const folder = await makeTree(t, '[ab].npy', 'a.npy', 'b.npy', '{x,y}.txt');
  t.deepEqual(await find(folder, '[ab].npy', '{x,y}.txt'), ['[ab].npy', '{x,y}.txt']);
});

test('The dash stands for itself', async (t) => {
  t.deepEqual(await pathsOf('-'), ['-']);
  await assertRefused(t, () => findFiles(['-', '-'], extensions), { code: 'INVALID_OPTION', what: '`"-"`' });
});

test('A folder gives the files below it with an extension of the list, by code units', async (t) => {
  const names = ['b.npy', 'a.JSONL', 'B.npy', 'ä.npy', 'a.txt', '.c.npy', 'npy', 'sub/d.npy', 'e.npy/f.npy'];
  const folder = await makeTree(t, ...names, '10.npy', '9.npy');
  const wanted = ['10.npy', '9.npy', 'B.npy', 'a.JSONL', 'b.npy', 'e.npy/f.npy', 'sub/d.npy', 'ä.npy'];
  for (const slashes of ['', '/', '//']) {
    const paths = await pathsOf(folder + slashes);
    t.is(paths.join(), wanted.map((name) => `${folder}/${name}`).join());
  }
});

test('A glob gives files with an extension of the list, by code units', async (t) => {
  const folder = await makeTree(
    t,
    'b.npy',
    'B.npy',
    'ab.txt',
    '.b.npy',
    'x/b.npy',
    'node_modules/b.npy',
    'b1.npy/',
  );
  t.deepEqual(await find(folder, '*b*'), ['b.npy']);
  t.deepEqual(await find(folder, '**/[bB]*'), ['B.npy', 'b.npy', 'node_modules/b.npy', 'x/b.npy']);
  t.deepEqual(await find(folder, '{x,nowhere}/*.npy'), ['x/b.npy']);
  t.deepEqual(await find(folder, 'x/../[b].npy'), ['b.npy']);
});

test('Relative paths stay relative', async (t) => {
  const folder = await makeTree(t, 'a.npy', 'b.npy');
  const near = relative('.', folder).replaceAll('\\', '/');
  for (const pattern of [near, `${near}/`, `${near}/*`, `${near}/[ab].npy`]) {
    t.deepEqual(await pathsOf(pattern), [`${near}/a.npy`, `${near}/b.npy`], pattern);
  }
  t.deepEqual(await pathsOf(`${near}/b.npy`), [`${near}/b.npy`]);
});

test('The order of the patterns is kept, and a file that several find stands where it is found first', async (t) => {
  const folder = await makeTree(t, 'a.npy', 'b.npy', 'c.npy', 'd/e.npy');
  t.deepEqual(await find(folder, 'd', 'c.npy', '*.npy', ''), ['d/e.npy', 'c.npy', 'a.npy', 'b.npy']);
  t.deepEqual(await find(folder, '*.npy', 'd/../b.npy', 'd'), ['a.npy', 'b.npy', 'c.npy', 'd/e.npy']);
});

test('Each file has a name below what was given: a folder, the fixed part of a glob, or itself', async (t) => {
  const folder = await makeTree(t, 'x.npy', 'a/x.npy', 'a/b/x.npy', 'c/x.npy');
  const names = async (...patterns: string[]): Promise<string[]> => {
    const { files } = await findFiles(patterns.map((pattern) => `${folder}/${pattern}`), extensions); // prettier-ignore
    return files.map(({ name }) => name);
  };
  t.deepEqual(await names(''), ['a/b/x.npy', 'a/x.npy', 'c/x.npy', 'x.npy']);
  t.deepEqual(await names('a'), ['b/x.npy', 'x.npy']);
  t.deepEqual(await names('**/x.npy'), ['a/b/x.npy', 'a/x.npy', 'c/x.npy', 'x.npy']);
  t.deepEqual(await names('a/**/*.npy'), ['b/x.npy', 'x.npy']);
  t.deepEqual(await names('{a,c}/*.npy'), ['a/x.npy', 'c/x.npy']);
  t.deepEqual(await names('a/b/*.npy'), ['x.npy']);
  t.deepEqual(await names('a/b/x.npy', 'a'), ['x.npy', 'x.npy']);
});

test('What is left out of folders and globs is listed with the reason', async (t) => {
  const folder = await makeTree(
    t,
    'a.npy',
    'a.txt',
    '.b.npy',
    '.git/x.npy',
    'd/e.md',
    'd/c.npy',
    'other/x.npy',
  );
  await symlink('other', join(folder, 'link'));
  await symlink('nowhere', join(folder, 'broken.npy'));
  const left = async (pattern: string): Promise<string[]> => {
    const { leftOut } = await findFiles([`${folder}/${pattern}`], extensions);
    return leftOut.map(({ path, reason }) => `${path.replace(`${folder}/`, '')}: ${reason}`);
  };
  t.deepEqual(await left(''), [
    '.b.npy: hidden',
    '.git: hidden',
    'a.txt: another ending',
    'broken.npy: not a regular file',
    'd/e.md: another ending',
    'link: a link to a folder',
  ]);
  t.deepEqual(await left('a.*'), ['a.txt: another ending']);
  t.deepEqual(await left('a.npy'), []);
});

test('What one pattern leaves out and another names is no longer left out', async (t) => {
  const folder = await makeTree(t, 'a.npy', '.b.npy', 'c.txt');
  const { files, leftOut } = await findFiles([folder, `${folder}/.b.npy`], extensions);
  t.is(files.length, 2);
  t.deepEqual(leftOut.map(({ path }) => path), [`${folder}/c.txt`]); // prettier-ignore
});

test('The folder that outputs go to is no input, wherever it lies', async (t) => {
  const folder = await makeTree(t, 'a.npy', 'd/b.npy', 'd/out/a.npy', 'd/outer.npy');
  for (const pattern of ['', '**/*.npy']) {
    const { files, leftOut } = await findFiles([`${folder}/${pattern}`], extensions, `${folder}/d/out/`);
    t.deepEqual(files.map(({ name }) => name), ['a.npy', 'd/b.npy', 'd/outer.npy']); // prettier-ignore
    t.deepEqual(leftOut.map(({ reason }) => reason), ['the output folder']); // prettier-ignore
  }
  const { files } = await findFiles([`${folder}/d/out`], extensions, `${folder}/d/out`);
  t.is(files.length, 1, 'a folder that is both is for others to refuse');
});

test('A file named twice by its own path is an error, between patterns too', async (t) => {
  const folder = await makeTree(t, 'a.npy', 'd/');
  const what = 'Expected each file once for `input`, got ';
  for (const patterns of ['a.npy a.npy', 'a.npy d/../a.npy', '*.npy a.npy a.npy', 'a.npy *.npy a.npy']) {
    await assertRefused(t, () => find(folder, ...patterns.split(' ')), { code: 'INVALID_OPTION', what });
  }
});

test('Links count as what they lead to, and not as the same file', async (t) => {
  const folder = await makeTree(t, 'd/', 'other/a.txt', 'other/x.npy');
  await symlink('../other/a.txt', join(folder, 'd', 'file.npy'));
  await symlink('../other', join(folder, 'd', 'folder.npy'));
  await symlink('nowhere', join(folder, 'd', 'broken.npy'));
  for (const pattern of ['d', 'd/*']) t.deepEqual(await find(folder, pattern), ['d/file.npy'], pattern);
  t.deepEqual(await find(folder, 'd/folder.npy'), ['d/folder.npy/x.npy']);
  t.deepEqual(await find(folder, 'd/file.npy', 'other/a.txt'), ['d/file.npy', 'other/a.txt']);
});

testOnUnix('A FIFO is taken where it is named, not where it is found', async (t) => {
  const folder = await makeTree(t, 'a.npy');
  execFileSync('mkfifo', [join(folder, 'fifo.npy')]);
  t.deepEqual(await find(folder, 'fifo.npy'), ['fifo.npy']);
  for (const pattern of ['', '*']) t.deepEqual(await find(folder, pattern), ['a.npy']);
});

test('A path that leads nowhere is an error of the file system', async (t) => {
  const folder = await makeTree(t, 'a.npy');
  for (const name of ['missing.npy', 'a.npy/b', 'with blanks, and+signs']) {
    const [path, code] = [`${folder}/${name}`, name === 'a.npy/b' ? 'ENOTDIR' : 'ENOENT'];
    const failed = { code: 'FILE_FAILED', path: `${path}: could not open: ${code}`, what: name } as const;
    await assertRefused(t, () => findFiles([path], extensions), failed);
  }
});

test('A folder or glob without a file of the list is an error that names it and the list', async (t) => {
  const folder = await makeTree(t, 'a.txt', '.b.npy', 'd/');
  for (const pattern of ['d', '*.npy', '*', 'missing/*.npy', 'a.txt/*', `{${'x'.repeat(300)},y}.npy`, '!a']) {
    const action = () => findFiles([pattern === '!a' ? pattern : `${folder}/${pattern}`], extensions);
    await assertRefused(t, action, { code: 'INVALID_OPTION', path: noFile, what: 'got `"' });
  }
});

test('A glob that is too long and a name with a zero byte are errors, no crashes', async (t) => {
  const longest = `/${'[a]'.repeat(30_000)}`;
  await assertRefused(t, () => findFiles([longest], extensions), {
    code: 'FILE_FAILED',
    what: 'could not expand',
  });
  await assertRefused(t, () => findFiles(['a\0*'], extensions), {
    code: 'FILE_FAILED',
    what: 'could not open',
  });
});

testAsUser('A folder that is kept from the user is an error of the file system', async (t) => {
  const folder = await makeTree(t, 'd/a.npy');
  await chmod(folder, 0o755);
  await chmod(join(folder, 'd'), 0);
  t.teardown(() => chmod(join(folder, 'd'), 0o700)); // Else nobody could remove it.
  const path = `${folder}/d`;
  const refusal = { code: 'FILE_FAILED', path, what: 'EACCES' } as const;
  return async () => {
    await assertRefused(t, () => findFiles([path], extensions), refusal);
    await assertRefused(t, () => findFiles([`${path}/*`], extensions), refusal);
  };
});
