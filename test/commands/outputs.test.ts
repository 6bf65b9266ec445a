// What commands print with `--json`, held against the schemas in docs/schema.
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import test, { type ExecutionContext } from 'ava';
import { outputSchemaOf, outputSchemas, type OutputName } from '../../src/commands/outputs/schemas.js';
import { run, start, type Ended, type StartOptions } from '../helpers/command.js';
import { makeFolder } from '../helpers/make-folder.js';
import { packageRoot } from '../helpers/package-root.js';

const names = Object.keys(outputSchemas) as OutputName[];

async function readSchema(name: OutputName): Promise<object> {
  return JSON.parse(await readFile(new URL(`docs/schema/${name}.json`, packageRoot()), 'utf8')) as object;
}

test('the schemas in docs are those of the commands', async (t) => {
  for (const name of names) {
    t.deepEqual(
      await readSchema(name),
      JSON.parse(JSON.stringify(outputSchemaOf(name))),
      `run npm run schema: ${name}`,
    );
  }
});

async function fits(t: ExecutionContext, name: OutputName, line: string): Promise<void> {
  t.regex(line, /^\{.*\}\n$/, 'one object on one line');
  const validate = new Ajv2020({ allowUnionTypes: true }).compile(await readSchema(name));
  validate(JSON.parse(line));
  t.deepEqual(validate.errors, null, line.slice(0, 2000));
}

/** A folder with sequences and a layer. */
async function makeInputs(t: ExecutionContext): Promise<string> {
  const folder = await makeFolder(t);
  const size = ['--model-dim', '8'];
  await prints(t, folder, [
    'make-sequences',
    '-o',
    'x.npy',
    '--sequences',
    '2',
    '--min-length',
    '4',
    '--max-length',
    '4',
    ...size,
  ]);
  await prints(t, folder, ['make-weights', '-o', 'w.safetensors', '--heads', '2', ...size]);
  return folder;
}

/** Runs a command with `--json`, whose output must fit its schema. */
async function prints(
  t: ExecutionContext,
  where: string,
  args: readonly string[],
  expectedCode = 0,
): Promise<Ended> {
  const ended = await run(where, [...args, '--json']);
  t.is(ended.code, expectedCode, ended.stderr);
  await fits(t, args[0] as OutputName, ended.stdout);
  return ended;
}

const layer = ['--weights', 'w.safetensors'];

test('what is made, listed, computed and explained', async (t) => {
  const folder = await makeInputs(t);
  await prints(t, folder, ['layers', 'w.safetensors']);
  const settings = ['run', '-i', 'x.npy', ...layer, '-o', 'y.npy', '--resume'];
  await prints(t, folder, [...settings, '--dry-run']);
  await prints(t, folder, [...settings, '--report', 'report.json', '--verify-output']);
  const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as object;
  await fits(t, 'run', `${JSON.stringify(report)}\n`);
  await prints(t, folder, ['run', '-i', 'x.npy', ...layer, '-o', 'z.npy', '--dry-run']);
  const query = ['explain', '-i', 'x.npy', ...layer, '--head', '1', '--query', '2'];
  for (const more of [
    [],
    ['--causal', '--sinks=-1,0'],
    ['--key', '1', '--alibi'],
    ['--key', '3', '--causal'],
  ]) {
    await prints(t, folder, [...query, ...more]);
  }
});

test('what failed and was left out', async (t) => {
  const folder = await makeInputs(t);
  await writeFile(join(folder, 'damaged.npy'), 'no array');
  await writeFile(join(folder, 'notes.txt'), 'none');
  const args = ['run', '-i', '.', ...layer, '-o', 'out/', '--on-error', 'skip'];
  const { stdout } = await prints(t, folder, args, 3);
  const report = JSON.parse(stdout) as { failures: unknown[]; leftOut: unknown[] };
  t.true(report.failures.length > 0);
  t.true(report.leftOut.length > 0);
});

test('layers of a model, with their options', async (t) => {
  const { stdout } = await prints(t, '.', ['layers', 'test/conformance/models/qwen3']);
  const { layers } = JSON.parse(stdout) as { layers: object[] };
  t.like(layers[0], { defaults: { causal: true, rope: { base: 10000 } }, hasNorms: true });
});

test('the machine, and suites', async (t) => {
  await prints(t, '.', ['info']);
  await prints(t, '.', ['verify', 'test/conformance/torch-multihead', 'package.json', '--kernel', 'wasm']);
});

test('a grid, its comparison with itself, and scaling', async (t) => {
  const folder = await makeFolder(t);
  const small = ['--model-dim', '16', '--heads', '2', '--tokens', '8,16,32', '--threads', '1'];
  await prints(t, folder, ['bench', ...small, '--seconds', '0.01', '--rounds', '1', '-o', 'a.json']);
  // Of one round nothing can be decided.
  await prints(t, folder, ['bench', '--compare', 'a.json', 'a.json'], 4);
  await prints(t, folder, [
    'scale',
    '--workers',
    '1',
    '--kind',
    'strong',
    '--axis',
    'heads',
    '--seconds',
    '0.01',
    '--ms',
    '1',
  ]);
});

test('a run on many machines', async (t) => {
  const folder = await makeInputs(t);
  await writeFile(join(folder, 'run.yaml'), 'input: many.npy\nweights: w.safetensors\noutput: y.npy\n');
  const many = ['--sequences', '40', '--min-length', '9', '--max-length', '9', '--model-dim', '8'];
  await prints(t, folder, ['make-sequences', '-o', 'many.npy', ...many]);
  await prints(t, folder, ['scale', '--machines', '2', '--run', 'run.yaml', '--shards', '4']);
});

test('errors are one object on standard error, with the code of the process', async (t) => {
  const errors: readonly (readonly [string[], object, StartOptions?])[] = [
    [['rum'], { code: 'UNKNOWN_OPTION', exitCode: 2 }],
    [['run', '--threads', 'two'], { code: 'INVALID_OPTION', exitCode: 2 }],
    [['verify', '--kernl', 'wasm'], { code: 'UNKNOWN_OPTION', exitCode: 2 }],
    [['run', '--config', 'nowhere.yaml'], { code: 'INVALID_CONFIG', exitCode: 2 }],
    [['layers', 'nowhere.safetensors'], { code: 'FILE_FAILED', exitCode: 1 }],
    [['bench', '--compare', 'package.json', 'package.json'], { code: 'INVALID_FILE', exitCode: 1 }],
  ];
  for (const [args, wanted] of errors) {
    const { code, stdout, stderr } = await run('.', [...args, '--json']);
    t.is(stdout, '');
    await fits(t, 'error', stderr);
    const error = JSON.parse(stderr) as { exitCode: number; message: string };
    t.like(error, wanted, args.join(' '));
    t.is(code, error.exitCode);
    t.true((await run('.', args)).stderr.includes(error.message));
  }
});

test('a signal is told after what was said before', async (t) => {
  const { child, finished } = start('.', ['bench', '--tokens', '64', '--seconds', '20', '--json']);
  // How long it takes is said once signals are listened to.
  await once(child.stderr!, 'data');
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await finished;
  t.is(code, 143);
  t.is(stdout, '');
  const objects = stderr.split('\n').filter((line) => line.startsWith('{'));
  t.is(objects.length, 1);
  t.true(stderr.endsWith(`${objects[0]!}\n`));
  await fits(t, 'error', `${objects[0]!}\n`);
  t.like(JSON.parse(objects[0]!), { code: 'STOPPED', exitCode: 143 });
});

for (const [name, value] of [
  ['run', { format: 2 }],
  ['error', { format: 1, code: 'NO_SUCH', message: '', exitCode: 1 }],
  ['error', { format: 1, code: 'INVALID_FILE', message: '', exitCode: 1, more: true }],
] as const) {
  test(`${JSON.stringify(value)} fits no schema of ${name}`, async (t) => {
    t.false(new Ajv2020({ allowUnionTypes: true }).validate(await readSchema(name), value));
  });
}
