import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableToIPC } from 'apache-arrow';
import test from 'ava';
import { assertRefused } from '../../../helpers/assertions.js';
import { openBytes } from '../../../helpers/arrow-checks.js';
import {
  batchMessage,
  countUp,
  makeTable,
  openArrow,
  streamFile,
  whole,
  width,
} from '../../../helpers/arrow-tables.js';
import { makeFolder } from '../../../helpers/make-folder.js';
import { writeScratch } from '../../scratch.js';

test('What ended a stream is said again, and is not taken for its end', async (t) => {
  const broken = streamFile(batchMessage(), batchMessage({ offsets: [0, 2, 1] }), batchMessage());
  const stream = await openBytes(t, broken);
  t.teardown(() => stream.close());
  t.like(await stream.next(100), { lengths: [1, 2], end: { sequence: 2 } });
  const first = await t.throwsAsync(stream.next(100), { code: 'INVALID_FILE' });
  t.is(await t.throwsAsync(stream.next(100)), first);
});

test('A missing file, and a failing pipe, are the system’s errors', async (t) => {
  const path = join(await makeFolder(t), 'a.arrow');
  await assertRefused(t, () => openArrow(path), { code: 'FILE_FAILED', path, what: 'ENOENT' });
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(whole.subarray(0, 100));
    throw new Error('the writer is gone');
  }
  await assertRefused(t, () => openArrow('-', { bytes: failing() }), {
    code: 'FILE_FAILED',
    path: '-: ',
    what: 'the writer is gone',
  });
});

test('A file that shrinks under way is refused', async (t) => {
  const tokens = 10_000; // More than is read ahead.
  const path = await writeScratch(t, 'a.arrow', tableToIPC(makeTable([countUp(tokens)]), 'file'));
  const stream = await openArrow(path);
  t.teardown(() => stream.close());
  const span = await stream.next(tokens);
  if (span === undefined || 'error' in span) return t.fail();
  await writeFile(path, 'short');
  const read = () => span.read(new Float32Array(tokens * width));
  await assertRefused(t, read, { code: 'INVALID_FILE', path, what: '`data`' });
});
