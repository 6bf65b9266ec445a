import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { acquireLock, findHolder } from '../../src/files/lock-file.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';
import { testAsUser, testOnLinux, testOnUnix } from '../helpers/skips.js';

const inUse = 'OUTPUT_IN_USE';

async function makePath(t: ExecutionContext): Promise<string> {
  return join(await makeFolder(t), 'out.lock');
}

/** The lock that this process holds at `path`, with other fields. */
async function changeLock(path: string, fields: object): Promise<string> {
  const holder = JSON.parse(await readFile(path, 'utf8')) as object;
  return JSON.stringify({ ...holder, ...fields });
}

test('A lock names its process and host, and nothing else is left beside it', async (t) => {
  const folder = await makeFolder(t);
  const lock = await acquireLock(join(folder, 'out.lock'));
  t.deepEqual(await readdir(folder), ['out.lock']);
  t.like(JSON.parse(await readFile(lock.path, 'utf8')), { pid: process.pid, host: hostname() });
  await lock.release();
  t.deepEqual(await readdir(folder), []);
});

test('A lock that this process holds is in use until it is released', async (t) => {
  const path = await makePath(t);
  const lock = await acquireLock(path);
  for (const what of [`process ${process.pid} on `, hostname()]) {
    await assertRefused(t, () => acquireLock(path), { code: inUse, path: `${path}: another run`, what });
  }
  await lock.release();
  const next = await acquireLock(path);
  await next.release();
});

test('Releasing twice, even at once, removes no lock of another', async (t) => {
  const path = await makePath(t);
  const lock = await acquireLock(path);
  await Promise.all([lock.release(), lock.release()]);
  const next = await acquireLock(path);
  await lock.release();
  await assertRefused(t, () => acquireLock(path), { code: inUse, path, what: String(process.pid) });
  await next.release();
});

test('Releasing leaves a file that somebody else put there', async (t) => {
  const path = await makePath(t);
  const lock = await acquireLock(path);
  await writeFile(path, 'mine');
  await lock.release();
  t.is(await readFile(path, 'utf8'), 'mine');
});

test('Of many calls in one process exactly one gets a lock that is damaged', async (t) => {
  const path = await makePath(t);
  for (const content of ['', '{"pid":1', 'null', '[]', '{"pid":0,"host":"a"}', '{"pid":-1,"host":"a"}']) {
    await writeFile(path, content);
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => acquireLock(path)));
    const locks = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    t.is(locks.length, 1, content);
    for (const result of results) if (result.status === 'rejected') t.like(result.reason, { code: inUse });
    await locks[0]!.release();
  }
});

test('A lock of another host is in use, with a hint that it may be removed', async (t) => {
  const path = await makePath(t);
  await writeFile(path, JSON.stringify({ pid: 2 ** 31 - 1, host: 'elsewhere', started: 1 }));
  for (const what of [`process ${2 ** 31 - 1} on elsewhere`, `${path} may be removed by hand`]) {
    await assertRefused(t, () => acquireLock(path), { code: inUse, path, what });
  }
  // A name that is none appears quoted, on one line.
  await writeFile(path, JSON.stringify({ pid: 1, host: 'a\nb' }));
  await assertRefused(t, () => acquireLock(path), { code: inUse, path, what: 'process 1 on "a\\nb"' });
});

test('A lock of another host that gives no sign of life is taken over where the caller says so', async (t) => {
  const path = await makePath(t);
  await writeFile(path, JSON.stringify({ pid: 2 ** 31 - 1, host: 'elsewhere', started: 1 }));
  const signAt = (ms: number): Promise<void> => utimes(path, new Date(ms), new Date(ms));
  await signAt(Date.now() - 60_000);
  const signs = setInterval(() => void signAt(Date.now()), 50);
  await assertRefused(t, () => acquireLock(path, { isTakingOver: true }), {
    code: inUse,
    path,
    what: 'on elsewhere',
  });
  clearInterval(signs);
  await signAt(Date.now() - 89_000);
  const lock = await acquireLock(path, { isTakingOver: true });
  await lock.assertHeld();
  await assertRefused(t, () => acquireLock(path, { isTakingOver: true }), { code: inUse, path });
  await lock.release();
});

test('A process whose lock was taken over while it slept is told so', async (t) => {
  const path = await makePath(t);
  const lock = await acquireLock(path);
  await writeFile(path, JSON.stringify({ pid: 12, host: 'elsewhere', started: 1 }));
  const what = 'another run has taken over this output: process 12 on elsewhere';
  await assertRefused(t, () => lock.assertHeld(), { code: inUse, path, what });
  await writeFile(path, 'no lock at all');
  await assertRefused(t, () => lock.assertHeld(), { code: inUse, path, what: 'has taken over this output' });
  await rm(path);
  await assertRefused(t, () => lock.assertHeld(), {
    code: inUse,
    path,
    what: 'has taken over this output, and ended',
  });
  await writeFile(path, JSON.stringify({ pid: 12, host: 'elsewhere', started: 1 }));
  await lock.release();
  t.is((await findHolder(path))?.host, 'elsewhere');
});

testOnLinux(
  'A lock whose process started at another time, or before the system did, is taken over',
  async (t) => {
    const path = await makePath(t);
    const lock = await acquireLock(path);
    for (const fields of [{ started: 1, pid: process.ppid }, { boot: 'another' }]) {
      const stale = join(await makeFolder(t), 'out.lock');
      await writeFile(stale, await changeLock(path, fields));
      const taken = await acquireLock(stale);
      t.like(JSON.parse(await readFile(stale, 'utf8')), { pid: process.pid });
      await taken.release();
    }
    await lock.release();
  },
);

test('Without start times a live process holds its lock, but this one none that it does not know', async (t) => {
  const path = await makePath(t);
  const holder = { host: hostname(), started: null, boot: null };
  await writeFile(path, JSON.stringify({ ...holder, pid: process.ppid }));
  await assertRefused(t, () => acquireLock(path), { code: inUse, path, what: `process ${process.ppid}` });
  await writeFile(path, JSON.stringify({ ...holder, pid: process.pid }));
  const lock = await acquireLock(path);
  t.notDeepEqual(JSON.parse(await readFile(path, 'utf8')), { ...holder, pid: process.pid });
  await lock.release();
});

test('A folder under the name is refused and left', async (t) => {
  const path = await makePath(t);
  await mkdir(path);
  await assertRefused(t, () => acquireLock(path), { code: 'FILE_FAILED', path, what: 'a folder' });
  t.deepEqual(await readdir(join(path, '..')), ['out.lock']);
});

testOnUnix(
  'A FIFO, without waiting for its other end, and a link, even one to nowhere, are refused',
  async (t) => {
    const [fifo, link] = [await makePath(t), await makePath(t)];
    execFileSync('mkfifo', [fifo]);
    await assertRefused(t, () => acquireLock(fifo), { code: 'FILE_FAILED', path: fifo, what: 'a FIFO' });
    await symlink('nowhere', link);
    await assertRefused(t, () => acquireLock(link), {
      code: 'FILE_FAILED',
      path: link,
      what: 'it is a link',
    });
  },
);

test('A long file under the name is no lock and is left', async (t) => {
  const path = await makePath(t);
  await writeFile(path, Buffer.alloc(5000));
  await assertRefused(t, () => acquireLock(path), { code: 'FILE_FAILED', path, what: 'it has 5000 bytes' });
  t.is((await readFile(path)).length, 5000);
});

test('A missing folder is refused', async (t) => {
  const path = join(await makeFolder(t), 'missing', 'out.lock');
  await assertRefused(t, () => acquireLock(path), { code: 'FILE_FAILED', path, what: 'ENOENT' });
});

testAsUser('A read-only folder is refused', async (t) => {
  const path = await makePath(t);
  await chmod(join(path, '..'), 0o555);
  return () => assertRefused(t, () => acquireLock(path), { code: 'FILE_FAILED', path, what: 'EACCES' });
});
