// What the system keeps of a file in memory, as `fincore` tells it: the pages of a long output make room for the next.
import { execFileSync } from 'node:child_process';
import { open, readFile, statfs, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createAtomicFile } from '../../src/files/atomic-file.js';
import { openFileSink } from '../../src/files/byte-sink.js';
import { dropPages, loadPageCache } from '../../src/files/page-cache/page-cache.js';
import { makeFolder } from '../helpers/make-folder.js';
import { testSeriallyUnless, testUnless } from '../helpers/skips.js';

const tmpfsType = 0x01021994;
const mebibyte = 2 ** 20;
const bytes = new Uint8Array(8 * mebibyte).fill(7);

const addon = loadPageCache();
const noAddon = 'there is no addon';
const problem = await findProblem();
const testPages = testSeriallyUnless(problem);

/** Why this can't be looked at here. */
async function findProblem(): Promise<string | undefined> {
  if ('reason' in addon) return noAddon;
  if ((await statfs(tmpdir())).type === tmpfsType) return 'files of tmpfs are memory';
  try {
    execFileSync('fincore', ['--version']);
  } catch {
    return 'there is no fincore';
  }
  return undefined;
}

function residentBytes(path: string): number {
  return Number(
    execFileSync('fincore', ['--bytes', '--noheadings', '--output', 'RES', path], { encoding: 'utf8' }),
  );
}

/** An open file of `bytes` that has reached the disk. */
async function writeSynced(t: ExecutionContext): Promise<{ path: string; file: FileHandle }> {
  const path = join(await makeFolder(t), 'file');
  const file = await open(path, 'w');
  t.teardown(() => file.close());
  await file.write(bytes);
  await file.sync();
  return { path, file };
}

testPages('pages that have reached the disk are dropped, and read as before', async (t) => {
  const { path, file } = await writeSynced(t);
  t.is(residentBytes(path), bytes.length);
  dropPages(file.fd, 0, 2 * mebibyte);
  t.is(residentBytes(path), bytes.length - 2 * mebibyte);
  t.true((await readFile(path)).equals(bytes));
});

testPages('no bytes are no bytes, not all of the file', async (t) => {
  const { path, file } = await writeSynced(t);
  dropPages(file.fd, 0, 0);
  t.is(residentBytes(path), bytes.length);
});

testPages('a sink keeps no more than what it wrote last', async (t) => {
  const path = join(await makeFolder(t), 'out');
  const sink = await openFileSink(path, { partialPath: `${path}.partial`, byteLength: 0 });
  for (let part = 0; part < 3; part++) {
    await sink.append([bytes]);
    await sink.sync();
  }
  t.is(residentBytes(`${path}.partial`), bytes.length);
  await sink.commit();
  const written = await readFile(path);
  t.is(written.length, 3 * bytes.length);
  t.true(written.every((byte) => byte === 7));
});

testPages('what was not synced stays', async (t) => {
  const path = join(await makeFolder(t), 'out');
  const sink = await openFileSink(path, { partialPath: `${path}.partial`, byteLength: 0 });
  t.teardown(() => sink.discard());
  await sink.append([bytes]);
  await sink.append([bytes]);
  t.is(residentBytes(`${path}.partial`), 2 * bytes.length);
});

test('a file that is closed has nothing to drop', async (t) => {
  const file = await createAtomicFile(join(await makeFolder(t), 'file'));
  t.teardown(() => file.discard());
  await file.close();
  const error = t.throws(() => {
    file.dropPages(0, 1);
  });
  t.like(error, { code: 'FILE_FAILED' });
});

testUnless('reason' in addon ? noAddon : undefined)('the addon refuses what is no file descriptor', (t) => {
  t.throws(
    () => {
      if ('dropPages' in addon) addon.dropPages('1' as never, 0, 1);
    },
    { instanceOf: TypeError },
  );
});
