// The settings of `headpool scale`: what they are by default, their lists, and what wrong ones are answered.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { fieldsOf, parseText } from '../../src/config/fields.js';
import { resolveSettings } from '../../src/config/settings.js';
import { HeadpoolError } from '../../src/core/errors.js';
import { makeFolder } from '../helpers/make-folder.js';

/** Settings from flags as a command line gives them. */
function resolve(texts: Readonly<Record<string, string>>, configPath?: string) {
  const fields = fieldsOf('scale');
  const flags = Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, parseText(text, fields.get(name)!)]),
  );
  return resolveSettings('scale', { flags, environment: {}, configPath });
}

test('by default everything is measured on all cores', async (t) => {
  const settings = await resolve({});
  t.deepEqual(settings, {
    kind: ['strong', 'weak'],
    axis: ['heads', 'sequences', 'queries'],
    ms: 50,
    title: 'headpool scale',
    maxMinutes: 30,
    kernel: 'auto',
  });
});

test('lists are written with commas, and max stands among the numbers', async (t) => {
  const lists = { workers: '1,2,max', kind: 'weak', axis: 'queries,heads', predict: '4,1024' };
  const { workers, kind, axis, predict } = await resolve(lists);
  t.deepEqual(workers, [1, 2, 'max']);
  t.deepEqual([kind, axis, predict], [['weak'], ['queries', 'heads'], [4, 1024]]);
});

test('the configuration that comes with the project is valid', async (t) => {
  const { kind, axis, seconds, ms, output } = await resolve({}, 'configs/scale.yaml');
  t.is(kind.length * axis.length, 6);
  t.deepEqual([seconds, ms, output], [2, 50, undefined]);
});

const refuses = test.macro({
  title: (title) => `${title} is refused`,
  exec: async (t: ExecutionContext, texts: Readonly<Record<string, string>>, message: RegExp) => {
    const error = await t.throwsAsync(resolve(texts), { instanceOf: HeadpoolError });
    t.is(error.code, 'INVALID_OPTION');
    t.regex(error.message, message);
  },
});

test('an unknown axis', refuses, { axis: 'heads,sequenzes' }, /`--axis`, got .*; did you mean `sequences`\?/);
test('an unknown kind', refuses, { kind: 'string' }, /`--kind`, got .*; did you mean `strong`\?/);
test('an unknown kernel', refuses, { kernel: 'nativ' }, /`--kernel`, got .*; did you mean `native`\?/);
test('a word for a number', refuses, { workers: 'mix' }, /`--workers`, got .*; did you mean `max`\?/);
test('too many workers', refuses, { workers: '1025' }, /from 1 to 1024 for `--workers`, got `\[1025\]`/);
test('no workers', refuses, { workers: '0' }, /from 1 to 1024 for `--workers`, got `\[0\]`/);
test('half a worker', refuses, { workers: '1.5' }, /from 1 to 1024 for `--workers`, got `\[1.5\]`/);
test('too many workers to predict', refuses, { predict: '4,2000' }, /from 1 to 1024 for `--predict`/);
test('no time', refuses, { seconds: '0' }, /a number > 0 for `--seconds`, got `0`/);
test('work of no time', refuses, { ms: '-1' }, /a number > 0 for `--ms`, got `-1`/);
test('a machine of nobody', refuses, { machines: '4,10001' }, /from 1 to 10000 for `--machines`/);
test('no minutes', refuses, { maxMinutes: '0' }, /a number > 0 for `--max-minutes`, got `0`/);

test('a setting of a file is checked like a flag', async (t) => {
  const path = join(await makeFolder(t), 'scale.yaml');
  await writeFile(path, 'axis: [head]\n');
  const error = await t.throwsAsync(resolve({}, path), { instanceOf: HeadpoolError });
  t.is(error.code, 'INVALID_CONFIG');
  t.regex(error.message, /`axis` in .*scale\.yaml, got .*did you mean `heads`\?/);
});
