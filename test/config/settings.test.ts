// Where settings come from, which source wins, and what wrong ones are answered.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { configSchemaOf, schemas, type CommandName } from '../../src/config/schemas.js';
import { resolveSettings, type SettingSources } from '../../src/config/settings.js';
import { HeadpoolError, type ErrorCode } from '../../src/core/errors.js';
import { makeFolder } from '../helpers/make-folder.js';

const required = { input: ['x.npy'], weights: 'w.safetensors', heads: 8, output: 'y.npy' };

async function configFile(t: ExecutionContext, text: string): Promise<string> {
  const path = join(await makeFolder(t), 'run.yaml');
  await writeFile(path, text);
  return path;
}

function resolve(sources: Partial<SettingSources>) {
  return resolveSettings('run', { flags: {}, environment: {}, configPath: undefined, ...sources });
}

test('a flag wins over the environment, that over the file, that over the default', async (t) => {
  const configPath = await configFile(t, 'threads: 2\nbatchTokens: 2\nheads: 2\ninput: [a.npy, b.npy]\n');
  const { weights, output } = required;
  const settings = await resolve({
    configPath,
    environment: { HEADPOOL_BATCH_TOKENS: '3', HEADPOOL_THREADS: '3', HEADPOOL_ISA: 'avx2' },
    flags: { weights, output, threads: 4 },
  });
  t.is(settings.threads, 4);
  t.is(settings.batchTokens, 3);
  t.is(settings.heads, 2);
  t.deepEqual(settings.input, ['a.npy', 'b.npy']);
  t.is(settings.kernel, 'auto');
});

async function refuses(
  t: ExecutionContext,
  sources: Partial<SettingSources> | string,
  code: ErrorCode,
  message: RegExp,
): Promise<void> {
  const configPath = typeof sources === 'string' ? await configFile(t, sources) : undefined;
  const error = await t.throwsAsync(
    resolve(typeof sources === 'string' ? { flags: required, configPath } : sources),
    { instanceOf: HeadpoolError },
  );
  t.is(error.code, code);
  t.regex(error.message, message);
}

test(
  'a missing setting is named',
  refuses,
  { flags: { ...required, weights: undefined } },
  'INVALID_OPTION',
  /--weights/,
);
test(
  'text for a number',
  refuses,
  { flags: { ...required, heads: 'eight' } },
  'INVALID_OPTION',
  /an integer >= 1 for `--heads`, got `"eight"`/,
);
test('a fraction', refuses, { flags: { ...required, heads: 1.5 } }, 'INVALID_OPTION', /`--heads`, got `1.5`/);
test(
  'no threads',
  refuses,
  { flags: { ...required, threads: 0 } },
  'INVALID_OPTION',
  /from 1 to 1024 for `--threads`/,
);
test(
  'a million threads',
  refuses,
  { flags: { ...required, threads: 1e6 } },
  'INVALID_OPTION',
  /`--threads`, got `1000000`/,
);
test(
  'a wrong variable is named as such',
  refuses,
  { flags: required, environment: { HEADPOOL_SCALE: 'x' } },
  'INVALID_OPTION',
  /a number for `HEADPOOL_SCALE`, got `"x"`/,
);
test(
  'an unknown kernel',
  refuses,
  'kernel: cuda',
  'INVALID_CONFIG',
  /auto, native, wasm, reference, wgsl, gpujs for `kernel` in .*run\.yaml/,
);
test(
  'an unknown setting suggests the nearest',
  refuses,
  'thread: 2',
  'INVALID_CONFIG',
  /Unknown setting `thread` in .*did you mean `threads`/,
);
test(
  'two letters that change places are one slip',
  refuses,
  'weigths: w.safetensors', // As far from `lengths` by single letters.
  'INVALID_CONFIG',
  /did you mean `weights`/,
);
test(
  '__proto__ is an unknown setting',
  refuses,
  '__proto__: { threads: 1 }',
  'INVALID_CONFIG',
  /Unknown setting `__proto__`/,
);
test(
  'broken YAML names the line',
  refuses,
  'heads: [1,\nthreads: 2',
  'INVALID_CONFIG',
  /run\.yaml: .*line 2/s,
);
test(
  'a key given twice',
  refuses,
  'heads: 1\nheads: 2',
  'INVALID_CONFIG',
  /run\.yaml: expected each key once, got this one twice at line 2, column 1:\s+heads: 1\nheads: 2/,
);
test(
  'a tag that means nothing',
  refuses,
  'weights: !secret w.safetensors',
  'INVALID_CONFIG',
  /run\.yaml: Unresolved tag: !secret at line 1/,
);
for (const [kind, open] of Object.entries({ maps: '{"a":', lists: '- ', keys: '? ', 'flow lists': '[' })) {
  test(
    `${kind} nested in one another`,
    refuses,
    open.repeat(100_000),
    'INVALID_CONFIG',
    /run\.yaml: expected settings, got values nested in one another/,
  );
}
test('a list instead of settings', refuses, '- heads', 'INVALID_CONFIG', /expected a mapping/);
test('an alias bomb', refuses, aliasBomb(), 'INVALID_CONFIG', /alias/i);
test(
  'a missing file',
  refuses,
  { flags: required, configPath: '/nowhere/run.yaml' },
  'INVALID_CONFIG',
  /\/nowhere\/run\.yaml: could not open: ENOENT/,
);

const both = { resume: true, restart: true };

test(
  'settings that exclude each other',
  refuses,
  { flags: { ...required, ...both } },
  'INVALID_OPTION',
  /^`--resume` and `--restart` can't be used together$/,
);
test(
  'a variable beside a flag that it excludes',
  refuses,
  { flags: { ...required, restart: true }, environment: { HEADPOOL_RESUME: 'true' } },
  'INVALID_OPTION',
  /^`HEADPOOL_RESUME` and `--restart` can't be used together$/,
);
test(
  'a file that contradicts itself',
  refuses,
  'restart: true\nresume: true',
  'INVALID_CONFIG',
  /^`resume` in .*run\.yaml and `restart` in .*run\.yaml can't be used together$/,
);
test(
  'a variable without the setting that it needs',
  refuses,
  { flags: required, environment: { HEADPOOL_ROPE_DIMS: '4' } },
  'INVALID_OPTION',
  /^`HEADPOOL_ROPE_DIMS` needs `--rope-base`$/,
);

test('what is off excludes nothing and needs nothing', async (t) => {
  const flags = { ...required, resume: true, restart: false, ropeInterleaved: false };
  t.true((await resolve({ flags })).resume);
});

function aliasBomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let n = 1; n < 12; n++)
    lines.push(
      `a${n}: &a${n} [${Array(10)
        .fill(`*a${n - 1}`)
        .join(', ')}]`,
    );
  return lines.join('\n');
}

test('an empty file is an empty configuration', async (t) => {
  const settings = await resolve({ flags: required, configPath: await configFile(t, '# nothing yet\n') });
  t.is(settings.heads, 8);
});

test('what editors check a file by is no setting', async (t) => {
  const configPath = await configFile(t, '{ "$schema": "schema/run.json", "threads": 2 }');
  t.is((await resolve({ flags: required, configPath })).threads, 2);
});

test('a path alone is a list of one in a file', async (t) => {
  for (const [name, field] of [
    ['run', 'input'],
    ['verify', 'dirs'],
  ] as const) {
    const flags = name === 'run' ? { ...required, input: undefined } : {};
    const configPath = await configFile(t, `${field}: one.npy`);
    const settings = await resolveSettings(name, { flags, environment: {}, configPath });
    t.like(settings, { [field]: ['one.npy'] });
  }
});

test('causal takes true and the names of alignments', async (t) => {
  for (const causal of [true, false, 'top-left', 'bottom-right'] as const) {
    t.is((await resolve({ flags: { ...required, causal } })).causal, causal);
  }
  t.is((await resolve({ flags: required, environment: { HEADPOOL_CAUSAL: 'true' } })).causal, true);
});

test('the schemas for editors are those of the commands', async (t) => {
  for (const name of Object.keys(schemas) as CommandName[]) {
    const stored: unknown = JSON.parse(await readFile(`configs/schema/${name}.json`, 'utf8'));
    t.deepEqual(stored, JSON.parse(JSON.stringify(configSchemaOf(name))), `run npm run schema: ${name}`);
  }
});

test('the configurations that come with the project are valid', async (t) => {
  for (const [file, name] of [
    ['demo', 'run'],
    ['demo-sequences', 'make-sequences'],
    ['demo-weights', 'make-weights'],
  ] as const) {
    const configPath = `configs/${file}.yaml`;
    await t.notThrowsAsync(resolveSettings(name, { flags: {}, environment: {}, configPath }));
  }
});
