// The options of an attention as settings: the forms that they come in, and what wrong ones are answered.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { resolveSettings, type SettingSources } from '../../src/config/settings.js';
import { HeadpoolError, type ErrorCode } from '../../src/core/errors.js';
import { makeFolder } from '../helpers/make-folder.js';

const required = { input: ['x.npy'], weights: 'w.safetensors', heads: 4, output: 'y.npy' };

function resolve(sources: Partial<SettingSources>) {
  return resolveSettings('run', { flags: required, environment: {}, configPath: undefined, ...sources });
}

async function configFile(t: ExecutionContext, text: string): Promise<string> {
  const path = join(await makeFolder(t), 'run.yaml');
  await writeFile(path, text);
  return path;
}

const everyOption = {
  alignment: 'bottom-right',
  windowLeft: 3,
  windowRight: 0,
  softcap: 2.5,
  alibi: true,
  sinks: [0.5, -1, 20, 0],
  headScale: [1, 0, -0.5, 2],
  ropeBase: 10000,
  ropeDims: 4,
  ropeInterleaved: true,
} as const;

test('variables say every option', async (t) => {
  const environment = {
    HEADPOOL_ALIGNMENT: 'bottom-right',
    HEADPOOL_WINDOW_LEFT: '3',
    HEADPOOL_WINDOW_RIGHT: '0',
    HEADPOOL_SOFTCAP: '2.5',
    HEADPOOL_ALIBI: 'true',
    HEADPOOL_SINKS: '0.5,-1,2e1, 0',
    HEADPOOL_HEAD_SCALE: '1,0,-.5,2',
    HEADPOOL_ROPE_BASE: '1e4',
    HEADPOOL_ROPE_DIMS: '4',
    HEADPOOL_ROPE_INTERLEAVED: 'true',
  };
  t.like(await resolve({ environment }), everyOption);
});

test('a file says every option, its lists as lists', async (t) => {
  const lines = Object.entries(everyOption).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  t.like(await resolve({ configPath: await configFile(t, lines.join('\n')) }), everyOption);
  const block = 'sinks:\n  - 0.5\n  - -1\n  - 2.0e+1\n  - 0\n';
  t.deepEqual((await resolve({ configPath: await configFile(t, block) })).sinks, [...everyOption.sinks]);
});

test('a list of a flag replaces that of a file, it does not join it', async (t) => {
  const configPath = await configFile(t, 'sinks: [1, 2, 3, 4]');
  const { sinks } = await resolve({ flags: { ...required, sinks: [5, 6, 7, 8] }, configPath });
  t.deepEqual(sinks, [5, 6, 7, 8]);
});

test('what nobody says is left out or off', async (t) => {
  const settings = await resolve({});
  for (const name of Object.keys(everyOption) as (keyof typeof everyOption)[]) {
    t.is(settings[name], name === 'alibi' || name === 'ropeInterleaved' ? false : undefined, name);
  }
});

const refuses = test.macro({
  title: (title) => `${title} is refused`,
  exec: async (
    t: ExecutionContext,
    wrong: Readonly<Record<string, unknown>> | string,
    message: RegExp,
    code: ErrorCode = typeof wrong === 'string' ? 'INVALID_CONFIG' : 'INVALID_OPTION',
  ) => {
    const sources =
      typeof wrong === 'string'
        ? { configPath: await configFile(t, wrong) }
        : { flags: { ...required, ...wrong } };
    const error = await t.throwsAsync(resolve(sources), { instanceOf: HeadpoolError });
    t.is(error.code, code);
    t.regex(error.message, message);
  },
});

test(
  'an unknown alignment',
  refuses,
  { alignment: 'middle' },
  /top-left, bottom-right for `--alignment`, got `"middle"`/,
);
test(
  'another alignment than that of causal',
  refuses,
  { causal: 'top-left', alignment: 'bottom-right' },
  /Expected top-left, as `--causal` says, for `--alignment`, got `"bottom-right"`/,
);
test('a window to the front', refuses, { windowLeft: -1 }, /integer >= 0 for `--window-left`, got `-1`/);
test('half a token', refuses, { windowRight: 1.5 }, /integer >= 0 for `--window-right`, got `1.5`/);
test('a cap of 0', refuses, { softcap: 0 }, /a number > 0 for `--softcap`, got `0`/);
test('a cap of text', refuses, { softcap: 'soft' }, /a number > 0 for `--softcap`, got `"soft"`/);
test('slopes for ALiBi', refuses, 'alibi: [1, 2, 3, 4]', /true or false for `alibi` in .*run\.yaml/);
test('a list with text in it', refuses, { sinks: '1,x' }, /a list of numbers for `--sinks`, got `"1,x"`/);
test('a number for a list', refuses, 'sinks: 1', /a list of numbers for `sinks` in .*, got `1`/);
test('a list of lists', refuses, 'headScale: [[1, 2, 3, 4]]', /a list of numbers for `headScale` in/);
test('an infinite factor', refuses, 'headScale: [1, 1, 1, .inf]', /a list of numbers for `headScale` in/);
test(
  'a sink too few',
  refuses,
  { sinks: [1, 2, 3] },
  /a list of 4 numbers, one a head, for `--sinks`, got `\[1,2,3\]` \(array\)/,
);
test(
  'a factor too many',
  refuses,
  'headScale: [1, 1, 1, 1, 1]',
  /a list of 4 numbers, one a head, for `headScale` in .*run\.yaml, got `\[1,1,1,1,1\]`/,
);
test('a base of 0', refuses, { ropeBase: 0 }, /a number > 0 for `--rope-base`, got `0`/);
test(
  'an odd number of dims',
  refuses,
  { ropeBase: 1e4, ropeDims: 3 },
  /an even integer >= 2 for `--rope-dims`, got `3`/,
);
test('dims without a base', refuses, { ropeDims: 4 }, /^`--rope-dims` needs `--rope-base`$/);
test(
  'interleaving without a base',
  refuses,
  'ropeInterleaved: true',
  /^`ropeInterleaved` in .*run\.yaml needs `--rope-base`$/,
);

test('a wrong list in a variable is named as such, in both commands', async (t) => {
  const environment = { HEADPOOL_SINKS: '1,,2,3' };
  const message = /a list of numbers for `HEADPOOL_SINKS`, got `"1,,2,3"`/;
  await t.throwsAsync(resolve({ environment }), { message });
  const flags = { input: 'x.npy', weights: 'w.safetensors', heads: 4, head: 0, query: 0 };
  const sources = { flags, environment, configPath: undefined };
  await t.throwsAsync(resolveSettings('explain', sources), { message });
  const short = { ...sources, environment: { HEADPOOL_SINKS: '1,2' } };
  await t.throwsAsync(resolveSettings('explain', short), { message: /list of 4 numbers.*`HEADPOOL_SINKS`/ });
});
