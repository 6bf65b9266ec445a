import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { fileFailed, HeadpoolError } from '../../src/core/errors.js';
import { openRegularFile } from '../../src/files/open-file.js';
import { systemCodeOf, unlessMissing } from '../../src/files/attempt.js';
import { makeFolder } from '../helpers/make-folder.js';

test('The code of a system error is found in it, and in the cause of an error of ours', (t) => {
  const raised = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  t.is(systemCodeOf(raised), 'ENOSPC');
  t.is(systemCodeOf(fileFailed('a', 'write', raised)), 'ENOSPC');
});

test('Errors of ours, others and what is none have no system code', (t) => {
  t.is(systemCodeOf(new HeadpoolError('INVALID_FILE', 'a is damaged')), undefined);
  t.is(systemCodeOf(new TypeError('no function')), undefined);
  t.is(systemCodeOf({ code: 'ENOENT' }), undefined);
  t.is(systemCodeOf(undefined), undefined);
});

test('What is missing is undefined, be the error wrapped or not, and other errors stay', async (t) => {
  const folder = await makeFolder(t);
  const path = join(folder, 'a');
  t.is(await unlessMissing(readFile(path)), undefined);
  t.is(await unlessMissing(openRegularFile(path)), undefined);
  t.is(await unlessMissing(Promise.resolve(1)), 1);
  await t.throwsAsync(unlessMissing(readFile(folder)), { code: 'EISDIR' });
  await t.throwsAsync(unlessMissing(openRegularFile(folder)), { code: 'FILE_FAILED' });
});
