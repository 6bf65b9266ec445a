// Locks between processes: held, left by a kill, and raced for.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { acquireLock } from '../../src/files/lock-file.js';
import { assertRefused } from '../helpers/assertions.js';
import { startLockChild } from '../helpers/lock-children.js';
import { makeFolder } from '../helpers/make-folder.js';
import { testOnLinux } from '../helpers/skips.js';

const moduleUrl = JSON.stringify(new URL('../../src/files/lock-file.js', import.meta.url).href);

test('A lock of a live process is in use; once that is killed it is taken over in silence', async (t) => {
  const folder = await makeFolder(t);
  const path = join(folder, 'out.lock');
  const child = startLockChild(t);
  t.is(await child.take(path), 'held');
  for (const what of [`process ${child.pid} on `, hostname()]) {
    await assertRefused(t, () => acquireLock(path), { code: 'OUTPUT_IN_USE', path, what });
  }
  await child.kill();
  const lock = await acquireLock(path);
  t.deepEqual(await readdir(folder), ['out.lock']);
  await lock.release();
  t.deepEqual(await readdir(folder), []);
});

test('Of ten processes exactly one gets a lock: one of a dead process, a damaged one, or a new one', async (t) => {
  const folder = await makeFolder(t);
  const victim = startLockChild(t);
  const paths = Array.from({ length: 30 }, (_, round) => join(folder, `${round}.lock`));
  for (const [round, path] of paths.entries()) {
    if (round % 3 === 0) t.is(await victim.take(path), 'held');
    if (round % 3 === 1) await writeFile(path, '');
  }
  await victim.kill();
  const children = Array.from({ length: 10 }, () => startLockChild(t));
  for (const path of paths) {
    const answers = await Promise.all(children.map((child) => child.take(path)));
    t.deepEqual(answers.toSorted(), [...Array<string>(9).fill('OUTPUT_IN_USE'), 'held'], path);
    const { pid } = JSON.parse(await readFile(path, 'utf8')) as { pid: number };
    t.is(children[answers.indexOf('held')]!.pid, pid);
  }
  t.is((await readdir(folder)).length, paths.length);
});

test('A process killed while it takes over is taken over too, and the one after it', async (t) => {
  const folder = await makeFolder(t);
  const path = join(folder, 'out.lock');
  await writeFile(path, 'damaged');
  for (let claims = 1; claims <= 3; claims++) {
    t.is(await startLockChild(t, 'killed-at-rename').take(path), undefined);
    const names = await readdir(folder);
    t.is(names.filter((name) => name.endsWith('.claim')).length, claims);
    t.is(await readFile(path, 'utf8'), 'damaged');
  }
  const lock = await acquireLock(path);
  t.like(JSON.parse(await readFile(path, 'utf8')), { pid: process.pid });
  const names = await readdir(folder);
  t.deepEqual(
    names.filter((name) => !name.endsWith('.tmp')),
    ['out.lock'],
  );
  await lock.release();
});

test('A file system without links has locks all the same', async (t) => {
  const folder = await makeFolder(t);
  const path = join(folder, 'out.lock');
  const [first, second] = [startLockChild(t, 'without-links'), startLockChild(t, 'without-links')];
  t.is(await first.take(path), 'held');
  t.is(await second.take(path), 'OUTPUT_IN_USE');
  await first.kill();
  t.is(await second.take(path), 'held');
  t.deepEqual(await readdir(folder), ['out.lock']);
});

test('Without links an empty lock may be under way and is in use', async (t) => {
  const path = join(await makeFolder(t), 'out.lock');
  await writeFile(path, '');
  t.is(await startLockChild(t, 'without-links').take(path), 'OUTPUT_IN_USE');
  t.is(await readFile(path, 'utf8'), '');
});

testOnLinux('A process that nobody has reaped is dead', async (t) => {
  const path = join(await makeFolder(t), 'out.lock');
  const script = `
    const { acquireLock } = await import(${moduleUrl});
    await acquireLock(${JSON.stringify(path)});
    console.log('held');
    setInterval(() => {}, 1000);`;
  const command = '"$0" --input-type=module -e "$1" & exec sleep 60';
  const parent = spawn('sh', ['-c', command, process.execPath, script]);
  t.teardown(() => parent.kill('SIGKILL'));
  await once(parent.stdout, 'data');
  const { pid } = JSON.parse(await readFile(path, 'utf8')) as { pid: number };
  process.kill(pid, 'SIGKILL');
  while (!/\) Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8'))) await sleep(10);
  const lock = await acquireLock(path);
  t.like(JSON.parse(await readFile(path, 'utf8')), { pid: process.pid });
  await lock.release();
});

testOnLinux('Another thread of this process holds its lock like any other process', async (t) => {
  const path = join(await makeFolder(t), 'out.lock');
  const lock = await acquireLock(path);
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(${moduleUrl})
      .then(({ acquireLock }) => acquireLock(workerData))
      .then(() => 'held', (error) => error.code)
      .then((answer) => parentPort.postMessage(answer));`;
  const answer = async () => {
    const [message] = (await once(new Worker(script, { eval: true, workerData: path }), 'message')) as [
      string,
    ];
    return message;
  };
  t.is(await answer(), 'OUTPUT_IN_USE');
  await lock.release();
  t.is(await answer(), 'held');
});
