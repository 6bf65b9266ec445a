// A record log on a disk that fails, is slow, or writes in parts.
import { open, readFile, type FileHandle } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { RecordLog, openRecordLog, type LogFile } from '../../src/files/record-log.js';
import { writeScratch } from './scratch.js';
import { assertRefused } from '../helpers/assertions.js';

const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

interface Faults {
  /** Which call of write, counted from 0, and all after it fail. */
  readonly failingWrite?: number;
  readonly failingSync?: number;
  /** The most bytes that a call writes. */
  readonly most?: number;
}

/** A log on an empty file, whose calls are noted in their order. */
async function faultyLog(t: ExecutionContext, { failingWrite, failingSync, most = Infinity }: Faults) {
  const path = await writeScratch(t, 'log', new Uint8Array());
  const handle = await open(path, 'r+');
  t.teardown(() => handle.close());
  const calls: string[] = [];
  let [writes, syncs] = [0, 0];
  const write = async (bytes: Uint8Array, offset: number, length: number, position: number) => {
    if (writes++ >= (failingWrite ?? Infinity)) throw full;
    calls.push('write');
    return handle.write(bytes, offset, Math.min(length, most), position);
  };
  const sync = async () => {
    if (syncs++ >= (failingSync ?? Infinity)) throw full;
    await handle.sync();
    calls.push('sync');
  };
  const close: FileHandle['close'] = () => handle.close();
  const log = new RecordLog(path, { write, sync, close } as unknown as LogFile, 0);
  return { path, calls, log };
}

async function readRecords(t: ExecutionContext, path: string): Promise<unknown> {
  const opened = await openRecordLog(path);
  t.teardown(() => opened?.log.close());
  return opened?.records;
}

test('An append resolves after the sync of its own line, before the next is written', async (t) => {
  const { path, calls, log } = await faultyLog(t, {});
  const appends = [0, 1, 2].map(async (n) => {
    await log.append({ n });
    return calls.length;
  });
  const callsBefore = await Promise.all(appends);
  t.deepEqual(calls, ['write', 'sync', 'write', 'sync', 'write', 'sync']);
  for (const [n, before] of callsBefore.entries()) t.true(before >= 2 * (n + 1));
  t.deepEqual(await readRecords(t, path), [{ n: 0 }, { n: 1 }, { n: 2 }]);
});

test('A record is taken as it is when it is appended', async (t) => {
  const { path, log } = await faultyLog(t, {});
  const record = { n: 0 };
  const appends = [log.append(record), log.append(record)];
  record.n = 1;
  await Promise.all(appends);
  t.deepEqual(await readRecords(t, path), [{ n: 0 }, { n: 0 }]);
});

test('A line written in parts is whole', async (t) => {
  const { path, log } = await faultyLog(t, { most: 3 });
  await Promise.all([log.append({ n: 0 }), log.append({ n: 1 })]);
  t.deepEqual(await readRecords(t, path), [{ n: 0 }, { n: 1 }]);
});

test('A write that fails fails the appends after it, and the records before stay', async (t) => {
  // The second record has 17 bytes; its third part finds the disk full.
  const { path, log } = await faultyLog(t, { most: 5, failingWrite: 6 });
  const appends = [0, 1, 2].map((n) => log.append({ n }));
  const results = await Promise.allSettled(appends);
  t.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  );
  const failed = { code: 'FILE_FAILED', path: `${path}: `, what: 'could not write: ENOSPC' } as const;
  await assertRefused(t, () => appends[1], failed);
  await assertRefused(t, () => log.append({ n: 3 }), failed);
  await log.close();
  t.is((await readFile(path)).length, 17 + 10);
  t.deepEqual(await readRecords(t, path), [{ n: 0 }]);
});

test('A sync that fails fails its append and those after it', async (t) => {
  const { path, calls, log } = await faultyLog(t, { failingSync: 1 });
  await log.append({ n: 0 });
  const failed = { code: 'FILE_FAILED', path: `${path}: `, what: 'could not sync: ENOSPC' } as const;
  await assertRefused(t, () => log.append({ n: 1 }), failed);
  await assertRefused(t, () => log.append({ n: 2 }), failed);
  await log.close();
  t.deepEqual(calls, ['write', 'sync', 'write']);
});
