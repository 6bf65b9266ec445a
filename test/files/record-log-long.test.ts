// Long lines of a record log, and the longest.
import { readdir, stat, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createRecordLog, openRecordLog } from '../../src/files/record-log.js';
import { assertRefused } from '../helpers/assertions.js';
import { makeFolder } from '../helpers/make-folder.js';

async function readAll(t: ExecutionContext, path: string): Promise<readonly object[]> {
  const opened = await openRecordLog(path);
  t.teardown(() => opened?.log.close());
  return opened?.records ?? [];
}

test('Lines longer than what is read at a time are read', async (t) => {
  const path = join(await makeFolder(t), 'log');
  const long = { text: 'é'.repeat(1_300_000) };
  const log = await createRecordLog(path, long);
  await log.append({ n: 1 });
  await log.append(long);
  await log.close();
  t.deepEqual(await readAll(t, path), [long, { n: 1 }, long]);
});

test('A huge file without newlines is given up early', async (t) => {
  const path = join(await makeFolder(t), 'log');
  await (await createRecordLog(path, {})).close();
  await truncate(path, 2 ** 40);
  await assertRefused(t, () => openRecordLog(path), { code: 'INVALID_FILE', path, what: '`line 2`' });
  t.is((await stat(path)).size, 2 ** 40);
});

test('A record too long for a line is refused, and the log goes on', async (t) => {
  const path = join(await makeFolder(t), 'log');
  const tooLong = { text: 'x'.repeat(2 ** 26) };
  await assertRefused(t, () => createRecordLog(path, tooLong), { code: 'INVALID_OPTION', what: '`record`' });
  t.deepEqual(await readdir(dirname(path)), []);
  const log = await createRecordLog(path, { n: 0 });
  await assertRefused(t, () => log.append(tooLong), { code: 'INVALID_OPTION', what: '`record`' });
  await log.append({ n: 1 });
  await log.close();
  t.deepEqual(await readAll(t, path), [{ n: 0 }, { n: 1 }]);
});
