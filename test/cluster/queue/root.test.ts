// What lies under the root, and what only seems to.
import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Root } from '../../../src/cluster/queue/root.js';
import { assertRefused } from '../../helpers/assertions.js';
import { makeFolder } from '../../helpers/make-folder.js';
import { testOnUnix } from '../../helpers/skips.js';

async function prepare(t: ExecutionContext) {
  const folder = await realpath(await makeFolder(t));
  await mkdir(join(folder, 'root/data'), { recursive: true });
  await mkdir(join(folder, 'rooted'));
  for (const name of ['root/data/x.npy', 'root/x.npy', 'secret.npy', 'rooted/x.npy'])
    await writeFile(join(folder, name), '');
  return { folder, root: await Root.open(join(folder, 'root')) };
}

test('paths of the root are taken, there or not', async (t) => {
  const { root } = await prepare(t);
  for (const path of [
    'x.npy',
    'data/x.npy',
    'data/',
    './data/x.npy',
    'new/folder/y.npy',
    'data/*.npy',
    'a..b/x.npy',
  ])
    await t.notThrowsAsync(root.requireInside(path, 'output'), path);
});

for (const path of [
  '../secret.npy',
  'data/../../secret.npy',
  'data/../x.npy',
  '..',
  '../rooted/x.npy',
  '/etc/passwd',
  'data/{..,x}/../secret.npy',
  '{../..,data}/secret.npy',
  '..\\secret.npy',
]) {
  test(`${path} is refused`, async (t) => {
    const { root } = await prepare(t);
    await assertRefused(t, () => root.requireInside(path, 'output'), {
      code: 'INVALID_OPTION',
      what: ['a path in the root', '`output`'],
    });
  });
}

testOnUnix('the root by its own absolute path is refused to a job, and taken from who submits', async (t) => {
  const { folder, root } = await prepare(t);
  const path = join(folder, 'root/data/x.npy');
  await assertRefused(t, () => root.requireInside(path, 'input'), { code: 'INVALID_OPTION' });
  t.is(await root.relativeOf(path, 'input'), 'data/x.npy');
});

testOnUnix(
  'links are taken where they lead inside, and refused where they lead out or nowhere',
  async (t) => {
    const { folder, root } = await prepare(t);
    const link = (target: string, name: string): Promise<void> => symlink(target, join(folder, 'root', name));
    await link('data', 'inside');
    await link('../secret.npy', 'file');
    await link('..', 'up');
    await link('../nothing.npy', 'nowhere');
    await link(join(folder, 'rooted'), 'beside');
    await t.notThrowsAsync(root.requireInside('inside/x.npy', 'input'));
    await t.notThrowsAsync(root.requireInside('inside/new.npy', 'output'));
    for (const path of ['file', 'up/secret.npy', 'up/new.npy', 'nowhere', 'beside/x.npy', 'beside/new/y.npy'])
      await assertRefused(t, () => root.requireInside(path, 'input'), { code: 'INVALID_OPTION' });
  },
);

testOnUnix('paths are written down from the root, under whatever name it is known', async (t) => {
  const { folder, root } = await prepare(t);
  await symlink(join(folder, 'root'), join(folder, 'mounted'));
  const mounted = await Root.open(join(folder, 'mounted'));
  t.is(mounted.path, root.path);
  for (const [path, expected] of [
    ['data/x.npy', 'data/x.npy'],
    ['./data//x.npy', 'data/x.npy'],
    ['data/', 'data/'],
    ['.', '.'],
    [join(folder, 'mounted/data/x.npy'), 'data/x.npy'],
    [join(folder, 'mounted/new.npy'), 'new.npy'],
  ] as const)
    t.is(await root.relativeOf(path, 'input'), expected);
  for (const path of [join(folder, 'secret.npy'), '../secret.npy', folder])
    await assertRefused(t, () => root.relativeOf(path, 'input'), { code: 'INVALID_OPTION' });
});

test('a root that is no folder is refused', async (t) => {
  const { folder } = await prepare(t);
  await assertRefused(t, () => Root.open(join(folder, 'secret.npy')), { code: 'INVALID_OPTION' });
  await assertRefused(t, () => Root.open(join(folder, 'nothing')), { code: 'FILE_FAILED' });
});
