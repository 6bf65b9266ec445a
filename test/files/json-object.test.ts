// JSON files that hold one object.
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readJsonObject } from '../../src/files/json-object.js';
import { makeFolder } from '../helpers/make-folder.js';

test('More than 32 MB, which would be parsed in one go, are refused', async (t) => {
  const path = join(await makeFolder(t), 'a.json');
  await writeFile(path, '{}');
  await truncate(path, 32_000_001);
  await t.throwsAsync(readJsonObject(path), { code: 'INVALID_FILE', message: /32000000/ });
});
