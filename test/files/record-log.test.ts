import { execFileSync } from 'node:child_process';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { createRecordLog, openRecordLog } from '../../src/files/record-log.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';
import { testOnUnix } from '../helpers/skips.js';
import { writeScratch } from './scratch.js';

const records = [{ kind: 'first', note: 'ü\n"\u2028' }, { n: 1 }, {}, { list: [1.5, null, 'x'.repeat(20)] }];

function lineOf(json: string): string {
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

const lines = records.map((record) => lineOf(JSON.stringify(record)));
const text = Buffer.from(lines.join(''));
/** Where each line ends. */
const ends = lines.map((_, n) => Buffer.byteLength(lines.slice(0, n + 1).join('')));

async function readAll(t: ExecutionContext, path: string): Promise<readonly object[]> {
  const opened = await openRecordLog(path);
  t.teardown(() => opened?.log.close());
  return opened?.records ?? [];
}

test('What was appended is read again, line by line after checksums', async (t) => {
  const folder = await makeFolder(t);
  const path = join(folder, 'log');
  const log = await createRecordLog(path, records[0]!);
  t.deepEqual(await readFile(path, 'utf8'), lines[0]);
  await Promise.all(records.slice(1).map((record) => log.append(record)));
  await log.close();
  t.deepEqual(await readFile(path), text);
  t.deepEqual(await readAll(t, path), records);
  t.deepEqual(await readdir(folder), ['log']);
});

test('A log made anew replaces the one before', async (t) => {
  const path = await writeScratch(t, 'log', text);
  const log = await createRecordLog(path, { new: true });
  await log.close();
  t.deepEqual(await readAll(t, path), [{ new: true }]);
});

test('Cut at any byte, a log gives its whole records and goes on after them', async (t) => {
  const path = join(await makeFolder(t), 'log');
  for (let length = ends[0]!; length <= text.length; length++) {
    const whole = ends.filter((end) => end <= length).length;
    await writeFile(path, text.subarray(0, length));
    const { log, records: found } = (await openRecordLog(path))!;
    t.deepEqual(found, records.slice(0, whole), `cut at ${length}`);
    t.is((await stat(path)).size, ends[whole - 1]!);
    await log.append({ n: 'next' });
    await log.close();
    const wanted = [...lines.slice(0, whole), lineOf('{"n":"next"}')].join('');
    t.is(await readFile(path, 'utf8'), wanted);
  }
});

test('A log whose first record is cut is damaged and stays as it is', async (t) => {
  const path = join(await makeFolder(t), 'log');
  for (let length = 0; length < ends[0]!; length++) {
    await writeFile(path, text.subarray(0, length));
    await assertRefused(t, () => openRecordLog(path), {
      code: 'INVALID_FILE',
      path: `${path}: `,
      what: '`line 1`',
    });
    t.is((await stat(path)).size, length);
  }
});

test('A flipped bit before the last two lines is an error that names its line', async (t) => {
  const path = join(await makeFolder(t), 'log');
  for (let at = 0; at < ends[1]!; at++) {
    const bytes = Buffer.from(text);
    bytes[at]! ^= 1;
    await writeFile(path, bytes);
    const what = `expected a whole record for \`line ${at < ends[0]! ? 1 : 2}\``;
    await assertRefused(t, () => openRecordLog(path), { code: 'INVALID_FILE', path: `${path}: `, what });
    t.deepEqual(await readFile(path), bytes);
  }
});

test('A last line that was written in part, its newline included, is cut off', async (t) => {
  const path = join(await makeFolder(t), 'log');
  for (let at = ends[2]!; at < text.length; at++) {
    const bytes = Buffer.from(text);
    bytes[at] = 0;
    await writeFile(path, bytes);
    t.deepEqual(await readAll(t, path), records.slice(0, 3), `zero at ${at}`);
    t.is((await stat(path)).size, ends[2]!);
  }
});

test('A line that is no JSON object is damaged, whatever its checksum', async (t) => {
  for (const json of ['', '{', '1', 'null', '"a"', '[]']) {
    const path = await writeScratch(t, 'log', Buffer.from(lines[0]! + lineOf(json) + lines[1]!));
    await assertRefused(t, () => openRecordLog(path), { code: 'INVALID_FILE', path, what: '`line 2`' });
  }
});

test('Where there is no log, none is opened', async (t) => {
  t.is(await openRecordLog(join(await makeFolder(t), 'log')), undefined);
});

test('A folder is no log', async (t) => {
  const path = await makeFolder(t);
  await assertRefused(t, () => openRecordLog(path), { code: 'FILE_FAILED', path, what: 'a folder' });
  await assertRefused(t, () => createRecordLog(path, {}), { code: 'FILE_FAILED', path, what: 'a folder' });
});

testOnUnix('A FIFO is no log', async (t) => {
  const path = join(await makeFolder(t), 'fifo');
  execFileSync('mkfifo', [path]);
  await assertRefused(t, () => openRecordLog(path), { code: 'FILE_FAILED', path, what: 'a FIFO' });
  await assertRefused(t, () => createRecordLog(path, {}), { code: 'FILE_FAILED', path, what: 'a FIFO' });
});

test('Closing waits for what is being appended, is allowed twice, and ends appending', async (t) => {
  const path = join(await makeFolder(t), 'log');
  const log = await createRecordLog(path, { n: 0 });
  const appended = log.append({ n: 1 });
  await log.close();
  await log.close();
  await appended;
  await assertRefused(t, () => log.append({}), { code: 'FILE_FAILED', path, what: 'closed already' });
  t.deepEqual(await readAll(t, path), [{ n: 0 }, { n: 1 }]);
});
