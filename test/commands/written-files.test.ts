// What would fail in the end is refused before any work, by every command that writes; and what is written is not read.
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { run } from '../helpers/command.js';
import { argsOf, fewChunks, packed, shared, useInputs } from '../helpers/fault-inputs.js';
import { makeFolder } from '../helpers/make-folder.js';
import { pageBytes, runOnSmallDisk, testOnSmallDisk } from '../helpers/small-disk.js';

useInputs(packed);

test('run makes the folders of its output and its report', async (t) => {
  const where = await makeFolder(t);
  const output = join('new', 'deep', 'y.safetensors');
  const report = join('other', 'r.json');
  const { code, stderr } = await run(where, argsOf({ ...packed, output }, '--report', report));
  t.is(code, 0, stderr);
  t.deepEqual(await readdir(join(where, 'new', 'deep')), ['y.safetensors', 'y.safetensors.manifest']);
  t.deepEqual(await readdir(join(where, 'other')), ['r.json']);
  const read = JSON.parse(await readFile(join(where, report), 'utf8')) as { sequences: number };
  t.is(read.sequences, 60);
});

interface Refused {
  readonly args: readonly string[];
  readonly code: number;
  readonly says: RegExp;
  readonly settings?: string;
}

/** Nothing is computed, written or changed. */
const refuses = test.macro({
  title: (title) => `${title} is refused before any work`,
  exec: async (t: ExecutionContext, { args, code, says, settings = '' }: Refused) => {
    const where = await makeFolder(t);
    await mkdir(join(where, 'folder'));
    await writeFile(join(where, 'file'), 'precious');
    await writeFile(join(where, 'settings.safetensors'), settings);
    await writeFile(join(where, 'x.jsonl'), '');
    await cp(shared('w.safetensors'), join(where, 'w.safetensors'));
    const before = await readdir(where, { recursive: true });
    const weights = await readFile(join(where, 'w.safetensors'));
    const ended = await run(where, args);
    t.is(ended.code, code, ended.stderr);
    t.regex(ended.stderr, says);
    t.is(ended.stdout, '');
    t.deepEqual(await readdir(where, { recursive: true }), before);
    t.is(await readFile(join(where, 'file'), 'utf8'), 'precious');
    t.is(await readFile(join(where, 'settings.safetensors'), 'utf8'), settings);
    t.deepEqual(await readFile(join(where, 'w.safetensors')), weights);
  },
});

const bench = ['bench', '--heads', '2', '--model-dim', '16', '--tokens', '4', '--kernel', 'wasm'];
const weightsArgs = ['make-weights', '--model-dim', '16', '--heads', '2'];
const runs = (...more: string[]): string[] => [
  'run',
  '-i',
  'x.jsonl',
  '--weights',
  'w.safetensors',
  '--heads',
  '4',
  ...more,
];
const toOutput = (...more: string[]): string[] => runs('-o', 'y.jsonl', ...more);

for (const [title, refused] of Object.entries<Refused>({
  'a report over the output': {
    args: toOutput('--report', 'y.jsonl'),
    code: 2,
    says: /a file other than that of `output` for `report`, got `"y\.jsonl"`/,
  },
  'a report over the manifest': {
    args: toOutput('--report', './y.jsonl.manifest'),
    code: 2,
    says: /a file other than that of `output` for `report`/,
  },
  'a report over the statistics': {
    args: toOutput('--statistics', '--report', 'y.statistics.jsonl'),
    code: 2,
    says: /a file other than that of `output` for `report`/,
  },
  'a report over the weights': {
    args: toOutput('--report', 'folder/../w.safetensors'),
    code: 2,
    says: /a file that is not read for `report`/,
  },
  'a report over the settings': {
    args: toOutput('--config', 'settings.safetensors', '--report', 'settings.safetensors'),
    code: 2,
    says: /a file that is not read for `report`/,
  },
  'a report in the place of a folder': {
    args: toOutput('--report', 'folder'),
    code: 1,
    says: /^headpool: folder: could not replace: it is a folder/,
  },
  'a report below a file': {
    args: toOutput('--report', 'file/r.json'),
    code: 1,
    says: /^headpool: file: could not create the folder: /,
  },
  'a report below a file in a dry run': {
    args: toOutput('--report', 'file/r.json', '--dry-run'),
    code: 1,
    says: /^headpool: .*file: could not create a file in it: /,
  },
  'a table over the results of bench': {
    args: [...bench, '--output', 'r', '--csv', './r'],
    code: 2,
    says: /a file other than that of `output` for `csv`/,
  },
  'a page of bench over its settings': {
    args: [...bench, '--config', 'settings.safetensors', '--html', 'settings.safetensors'],
    code: 2,
    says: /a file that is not read for `html`/,
  },
  'a page of bench among its charts': {
    args: [...bench, '--svg', 'folder', '--html', 'folder/a.svg'],
    code: 2,
    says: /a file that is none of the charts of `svg` for `html`/,
  },
  'results of bench in the place of its charts': {
    args: [...bench, '--svg', 'new', '--output', 'new'],
    code: 2,
    says: /a file other than that of `output` for `svg`/,
  },
  'charts of scale below a file': {
    args: ['scale', '--svg', 'file/charts'],
    code: 1,
    says: /could not create the folder: /,
  },
  'a page of scale over its table': {
    args: ['scale', '--csv', 'new', '--html', 'folder/../new'],
    code: 2,
    says: /a file other than that of `csv` for `html`/,
  },
  'weights over the settings of make-weights': {
    args: [...weightsArgs, '--config', 'settings.safetensors', '-o', 'settings.safetensors'],
    code: 2,
    says: /a file that is not read for `output`/,
  },
  'weights below a file': {
    args: [...weightsArgs, '-o', 'file/w.safetensors'],
    code: 1,
    says: /^headpool: file: could not create the folder: /,
  },
  'a file of sequences in a format that is only read': {
    args: ['make-sequences', '-o', 'new/x.npz', '--model-dim', '8'],
    code: 2,
    says: /^headpool: Expected a path with an extension that can be written, [^z]* for `output`, got `"new\/x\.npz"/,
  },
  'more sequences than the disk holds': {
    args: [
      'make-sequences',
      '-o',
      'x.npy',
      '--model-dim',
      '1000000000',
      '--sequences',
      '1000',
      '--min-length',
      '1024',
    ],
    code: 1,
    says: /^headpool: x\.npy: could not find room: at least \d+ MB are to be written, /,
  },
})) {
  test(title, refuses, refused);
}

testOnSmallDisk(
  'a run whose output the disk has no room for is refused, and runs on a larger one',
  async (t) => {
    const { first, second } = await runOnSmallDisk(t, `size=${13 * pageBytes}`, argsOf(packed, ...fewChunks));
    t.is(first.code, 1, first.stderr);
    t.regex(
      first.stderr,
      /^headpool: y\.safetensors: could not find room: at least 0\.\d+ MB are to be written, and its file system has 0\.\d+ MB free\n$/,
    );
    t.deepEqual(await readdir(first.where), []);
    t.is(second.code, 0, second.stderr);
  },
);

test('a sequence that the memory has no room for is refused before any other is computed', async (t) => {
  const where = await makeFolder(t);
  const made = await run(where, ['make-sequences', '-o', 'x.npy', '--model-dim', '16', '--sequences', '1', '--min-length', '90000', '--max-length', '90000']); // prettier-ignore
  t.is(made.code, 0, made.stderr);
  await cp(shared('x.safetensors'), join(where, 'a.safetensors'));
  const inputs = { ...packed, inputs: ['./a.safetensors', './x.npy'] };
  const ended = await run(where, argsOf(inputs, '--memory', '20MB', '--report', 'r.json'));
  t.is(ended.code, 1, ended.stderr);
  t.regex(
    ended.stderr,
    /x\.npy: expected at most \d+ tokens, which the memory allowed has room for, in sequence 0, got 90000/,
  );
  t.deepEqual((await readdir(where)).sort(), ['a.safetensors', 'x.npy']);
});
