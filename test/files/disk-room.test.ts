import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { refuseOverDisk } from '../../src/files/disk-room.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';

test('what has room together is let through, what has none is refused', async (t) => {
  const folder = await makeFolder(t);
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  const { bsize, blocks } = await statfs(folder);
  const half = Math.ceil((bsize * blocks) / 2) + 1;
  await t.notThrowsAsync(refuseOverDisk([{ path: a, byteLength: 1 }, { path: b, byteLength: -half }])); // prettier-ignore
  await t.notThrowsAsync(refuseOverDisk([{ path: a, byteLength: 4 * half }, { path: b, byteLength: -4 * half }])); // prettier-ignore
  await assertRefused(
    t,
    () =>
      refuseOverDisk([
        { path: a, byteLength: half },
        { path: b, byteLength: half },
      ]),
    {
      code: 'FILE_FAILED',
      path: `${a}: could not find room: at least `,
      what: 'MB are to be written, and its file system has',
    },
  );
});
