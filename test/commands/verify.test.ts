// `headpool verify` as a user meets it: which kernels and cases are counted, and what wrong arguments are answered.
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeFolder } from '../helpers/make-folder.js';
import { kernels } from '../helpers/engines.js';

const commandUrl = new URL('../../src/commands/verify.js', import.meta.url).href;

/** Parses and runs like the command line, but for the mapping of errors, which is the cli's. */
const program = `
  import yargs from 'yargs';
  import { verifyCommand } from '${commandUrl}';
  const parser = yargs(process.argv.slice(1)).command(verifyCommand).exitProcess(false);
  try {
    await parser.fail((message, error) => { throw error ?? new Error(message); }).parseAsync();
  } catch (error) {
    console.error(error.code ?? 'USAGE', error.message);
    process.exitCode = 2;
  }
`;

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function verify(...args: string[]): Promise<Outcome> {
  return verifyWith({}, ...args);
}

function verifyWith(variables: NodeJS.ProcessEnv, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--input-type=module', '--eval', program, '--', 'verify', ...args],
      { env: { ...process.env, ...variables } },
      (error, stdout, stderr) => {
        resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

/** A copy of `one_by_one` of the extended suite, whose expected numbers are those of the file unless told. */
async function writeSuite(t: ExecutionContext, names: readonly string[], atol = 2e-6): Promise<string> {
  const folder = await makeFolder(t);
  const cases = names.map((name) => ({ name, kind: 'attention', attributes: { causal: true } }));
  await writeFile(join(folder, 'cases.json'), JSON.stringify({ rtol: 0, atol, cases }));
  for (const name of names) {
    await cp('test/conformance/extended/one_by_one.safetensors', join(folder, `${name}.safetensors`));
  }
  return folder;
}

test('Every kernel is verified, and the last line counts', async (t) => {
  const suites = { 'torch-multihead': 8, extended: 20 };
  const { exitCode, stdout, stderr } = await verify(
    ...Object.keys(suites).map((name) => `test/conformance/${name}`),
  );
  t.is(exitCode, 0, stderr);
  const lines = stdout.trimEnd().split('\n');
  for (const kernel of ['native', 'wasm', 'reference'] as const) {
    for (const [name, count] of Object.entries(suites)) {
      const [passed, skipped] = kernels.includes(kernel) ? [count, 0] : [0, count];
      t.true(lines.includes(`${name} on ${kernel}: ${passed} passed, 0 failed, ${skipped} skipped`), stdout);
    }
  }
  const skipped = 28 * (3 - kernels.length);
  t.is(lines.at(-1), `${28 * kernels.length} passed, 0 failed, ${skipped} skipped`);
});

test('The cases of a kernel that can not run here are skipped, of one that is not asked for are not', async (t) => {
  const suite = await writeSuite(t, ['a', 'b']);
  const withoutNative = { NODE_OPTIONS: '--no-addons' };
  const { exitCode, stdout, stderr } = await verifyWith(withoutNative, suite);
  t.is(exitCode, 0, stderr);
  const name = basename(suite);
  const [wasm, reference, native, reason, ...rest] = stdout.trimEnd().split('\n');
  t.is(wasm, `${name} on wasm: 2 passed, 0 failed, 0 skipped`);
  t.is(reference, `${name} on reference: 2 passed, 0 failed, 0 skipped`);
  t.is(native, `${name} on native: 0 passed, 0 failed, 2 skipped`);
  t.regex(reason!, /^native can't run here: /);
  t.deepEqual(rest, ['4 passed, 0 failed, 2 skipped']);
  const one = await verifyWith(withoutNative, suite, '--kernel=wasm');
  t.true(one.stdout.endsWith('\n2 passed, 0 failed, 0 skipped\n'), one.stdout);
});

test('One kernel can be chosen, and what is no suite among the folders is ignored with a word on stderr', async (t) => {
  const suite = await writeSuite(t, ['a']);
  const { exitCode, stdout, stderr } = await verify(
    suite,
    'test/conformance/README.md',
    'test/conformance/models',
    '--kernel=reference',
  );
  t.is(exitCode, 0, stderr);
  t.regex(
    stdout,
    /^\S+ on reference: 1 passed, 0 failed, 0 skipped\n(\w+ can't run here: .*\n)*1 passed, 0 failed, 0 skipped\n$/,
  );
  t.deepEqual(stderr.trimEnd().split('\n'), [
    'ignored test/conformance/README.md: not a folder',
    'ignored test/conformance/models: no cases.json in it',
  ]);
});

test('--json prints one object with every case and what was ignored', async (t) => {
  const suite = await writeSuite(t, ['a', 'b']);
  const args = ['--json', '--kernel=auto', '--threads=1'];
  const { exitCode, stdout } = await verify(suite, 'test/conformance/README.md', ...args);
  t.is(exitCode, 0);
  const report = JSON.parse(stdout) as {
    suites: { kernel: string; cases: unknown[] }[];
    unavailable: unknown[];
  };
  t.like(report, { passed: 2, failed: 0, skipped: 0, ignored: ['test/conformance/README.md'] });
  t.true(Array.isArray(report.unavailable));
  t.is(report.suites.length, 1);
  t.deepEqual(report.suites[0]!.cases, [
    { name: 'a', status: 'passed' },
    { name: 'b', status: 'passed' },
  ]);
});

test('A case with other numbers fails with its message and exit code 1', async (t) => {
  const suite = await writeSuite(t, ['good', 'bad']);
  const path = join(suite, 'bad.safetensors');
  const bytes = await readFile(path);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { data_offsets: number[] }
  >;
  bytes.writeFloatLE(99, 8 + headerLength + header['output.Y']!.data_offsets[0]!);
  await writeFile(path, bytes);
  const { exitCode, stdout } = await verify(suite, '--kernel=wasm');
  t.is(exitCode, 1);
  t.regex(
    stdout,
    /^ {2}failed bad: `Y`: 1 of 64 numbers differ, most at \[0, 0, 0, 0\]: expected 99, got -?[\d.]+$/m,
  );
  t.true(stdout.endsWith('\n1 passed, 1 failed, 0 skipped\n'));
});

const refuses = test.macro({
  title: (title) => `${title} is a usage error`,
  exec: async (t: ExecutionContext, args: readonly string[], pattern: RegExp) => {
    const { exitCode, stdout, stderr } = await verify(...args);
    t.is(exitCode, 2);
    t.is(stdout, '');
    t.regex(stderr, pattern);
  },
});

test('No folder', refuses, [], /INVALID_OPTION Expected `dirs`: folders with a cases\.json, at least one/);
test(
  'A path that does not exist',
  refuses,
  ['no/such'],
  /INVALID_OPTION Expected an existing folder for `dirs`/,
);
test(
  'A folder without cases.json',
  refuses,
  ['src'],
  /INVALID_OPTION Expected at least one folder with a cases\.json for `dirs`/,
);
test(
  'Nothing but files',
  refuses,
  ['package.json'],
  /INVALID_OPTION Expected at least one folder with a cases\.json for `dirs`/,
);
test(
  'An unknown kernel',
  refuses,
  ['src', '--kernel=nativ'],
  /INVALID_OPTION Expected auto, native, wasm, reference, wgsl, gpujs for `--kernel`, got `"nativ"` \(string\); did you mean `native`\?/,
);
test(
  'Text for threads',
  refuses,
  ['src', '--threads=two'],
  /INVALID_OPTION Expected an integer from 1 to 1024 for `--threads`, got `"two"`/,
);
test(
  'An unknown option',
  refuses,
  ['src', '--kernl=wasm'],
  /UNKNOWN_OPTION .*`--kernl`; did you mean `--kernel`\?/,
);

test('No threads are a usage error', async (t) => {
  const suite = await writeSuite(t, ['a']);
  const { exitCode, stderr } = await verify(suite, '--threads=0');
  t.is(exitCode, 2);
  t.regex(stderr, /INVALID_OPTION Expected an integer from 1 to 1024 for `--threads`/);
});

test('Folders, kernel and threads come from a configuration file and from variables too', async (t) => {
  const [one, other] = [await writeSuite(t, ['a']), await writeSuite(t, ['b'])];
  const config = join(await makeFolder(t), 'verify.yaml');
  await writeFile(config, `dirs: [${one}, ${other}]\nkernel: reference\n`);
  const lineOf = (suite: string, kernel: string): string =>
    `${basename(suite)} on ${kernel}: 1 passed, 0 failed, 0 skipped`;
  const fromFile = await verify('--config', config);
  t.is(fromFile.exitCode, 0, fromFile.stderr);
  const lines = fromFile.stdout.split('\n');
  t.deepEqual(lines.slice(0, 2), [lineOf(one, 'reference'), lineOf(other, 'reference')]);

  const variables = { HEADPOOL_DIRS: other, HEADPOOL_KERNEL: 'wasm', HEADPOOL_THREADS: '1' };
  const fromVariables = await verifyWith(variables, '--config', config);
  t.deepEqual(fromVariables.stdout.split('\n').slice(0, 1), [lineOf(other, 'wasm')]);
  const fromArguments = await verifyWith(variables, one, '--kernel=reference', '--config', config);
  t.deepEqual(fromArguments.stdout.split('\n').slice(0, 1), [lineOf(one, 'reference')]);

  const { exitCode, stderr } = await verifyWith({ HEADPOOL_THREADS: 'two' }, one);
  t.is(exitCode, 2);
  t.regex(stderr, /INVALID_OPTION Expected an integer from 1 to 1024 for `HEADPOOL_THREADS`, got `"two"`/);
});

test('A broken suite stops everything before a kernel runs', async (t) => {
  const suite = await writeSuite(t, ['a']);
  const broken = join(await makeFolder(t), 'broken');
  await mkdir(broken);
  await writeFile(join(broken, 'cases.json'), '{}');
  const { exitCode, stdout, stderr } = await verify(suite, broken);
  t.is(exitCode, 2);
  t.is(stdout, '');
  t.regex(stderr, /INVALID_FILE .*cases\.json: expected a list of cases for `cases`/);
});
