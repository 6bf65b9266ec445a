// `headpool run` over a folder, again and again: what it tells of files, in text and as JSON, and its ways to go on.
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { layerFlags } from '../helpers/batch-run.js';
import { run } from '../helpers/command.js';
import { filesIn } from '../helpers/fault-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';

/** A folder `in` of three files, two of them of one name, beside files that are none; runs go into `out`. */
async function prepare(t: ExecutionContext) {
  const where = await makeFolder(t);
  const path = (name: string): string => join(where, 'in', name);
  const write = async (name: string, seed = 1) => {
    await mkdir(join(path(name), '..'), { recursive: true });
    await writeSequences(path(name), makeSequences([3, 3], seed));
  };
  await write('a/x.jsonl', 1);
  await write('b/x.jsonl', 2);
  await write('c.safetensors', 3);
  await writeFile(path('notes.txt'), 'not for us');
  await writeFile(path('.hidden.jsonl'), 'neither');
  const layer = await layerFlags(where);
  const call = (...args: string[]) => {
    return run(where, ['run', '-i', 'in/', '-o', 'out/', ...layer, '--kernel', 'reference', ...args]);
  };
  const report = async (...args: string[]) => {
    const { code, stdout, stderr } = await call('--json', ...args);
    t.true(code === 0 || code === 3, stderr);
    return JSON.parse(stdout) as Report;
  };
  return { where, path, write, call, report };
}

interface Report {
  readonly inputs: readonly Readonly<Record<string, unknown>>[];
  readonly leftOut: unknown;
  readonly found: Readonly<Record<string, number>>;
  readonly gone: unknown;
  readonly files: readonly { readonly input: string; readonly state: string }[];
  readonly chunks: number;
  readonly sequences: number;
  readonly flop: number;
}

const none = { done: 0, unfinished: 0, new: 0, changed: 0, 'output missing': 0, 'other maker': 0, failed: 0, gone: 0 }; // prettier-ignore

test.serial(
  'a folder is read with all below it, mirrored, and its files are listed with their outputs',
  async (t) => {
    const { where, path, report } = await prepare(t);
    const { inputs, leftOut, found } = await report();
    t.deepEqual(await filesIn(join(where, 'out')), ['a/x.jsonl', 'b/x.jsonl', 'c.safetensors', 'headpool.manifest']); // prettier-ignore
    t.deepEqual(
      inputs.map(({ input, output }) => [input, output]),
      [
        // prettier-ignore
        ['in/a/x.jsonl', 'out/a/x.jsonl'],
        ['in/b/x.jsonl', 'out/b/x.jsonl'],
        ['in/c.safetensors', 'out/c.safetensors'],
      ],
    );
    for (const { input, sequences, tokens, checksum, kernel } of inputs) {
      const bytes = await readFile(path(String(input).slice(3)));
      t.deepEqual([sequences, tokens, kernel], [2, 6, 'reference (JavaScript)']);
      t.is(checksum, crc32(bytes).toString(16).padStart(8, '0'));
    }
    t.deepEqual(leftOut, [
      { path: 'in/.hidden.jsonl', reason: 'hidden' },
      { path: 'in/notes.txt', reason: 'another ending' },
    ]);
    t.deepEqual(found, { ...none, new: 3 });
    const [line] = (await readFile(join(where, 'out/b/x.jsonl'), 'utf8')).split('\n');
    t.is((JSON.parse(line!) as { id: string }).id, 'in/b/x.jsonl#0');
  },
);

test.serial('a run that goes on says in text what it found', async (t) => {
  const { path, write, call } = await prepare(t);
  const first = await call();
  t.regex(
    first.stdout,
    /^left out +2 .*\n +in\/\.hidden\.jsonl \(hidden\)\n +in\/notes\.txt \(another ending\)$/m,
  );
  t.notRegex(first.stdout, /^found/m);
  await write('a/x.jsonl', 9);
  await write('d/e/f.npy');
  await utimes(path('b/x.jsonl'), 1, 1);
  await rm(path('c.safetensors'));
  const { code, stdout, stderr } = await call('--resume');
  t.is(code, 0, stderr);
  t.regex(stdout, /^found +1 done, 1 new, 1 changed, 1 gone$/m);
  t.regex(stdout, /^gone +in\/c\.safetensors; out\/c\.safetensors stays$/m);
  t.regex(stdout, /^resumed +2 sequences were there$/m);
});

test.serial('a dry run with --resume says what would be done, file by file, and does nothing', async (t) => {
  const { where, path, write, call, report } = await prepare(t);
  await report();
  t.regex((await call('--resume', '--dry-run')).stdout, /^chunks +0$/m);
  await write('a/x.jsonl', 9);
  await write('d.jsonl');
  await rm(join(where, 'out', 'c.safetensors'));
  await rm(path('b/x.jsonl'));
  const before = await filesIn(where);
  const { stdout, stderr } = await call('--resume', '--dry-run');
  for (const line of [
    'changed +in/a/x.jsonl -> out/a/x.jsonl',
    'output missing +in/c.safetensors -> out/c.safetensors',
    'new +in/d.jsonl -> out/d.jsonl',
    'gone +in/b/x.jsonl -> out/b/x.jsonl',
    ' +1 new, 1 changed, 1 output missing, 1 gone',
    // Of the one whose header tells.
    'sequences +2 of 6 tokens',
  ]) {
    t.regex(stdout, new RegExp(`^${line}$`, 'm'), stderr);
  }
  const { found, files, chunks } = await report('--resume', '--dry-run');
  t.deepEqual(found, { ...none, new: 1, changed: 1, 'output missing': 1, gone: 1 });
  t.is(files.length, 4);
  t.true(chunks > 0);
  t.deepEqual(await filesIn(where), before);
  t.deepEqual((await report('--resume')).found, found);
});

test.serial(
  'outputs of another kernel are refused with the line that goes on, which records it by file',
  async (t) => {
    const { where, write, call, report } = await prepare(t);
    await report();
    await write('d.jsonl');
    for (const more of [[], ['--dry-run']]) {
      const { code, stderr } = await call('--resume', '--kernel', 'wasm', ...more);
      t.is(code, 2);
      t.regex(stderr, /`"reference \(JavaScript\)"` \(string\) for `kernel`, .*wasm .*; `--resume mixed` goes on all the same, `--restart` begins anew\n$/); // prettier-ignore
    }
    const { inputs, found } = await report('--resume', 'mixed', '--kernel', 'wasm');
    t.deepEqual(found, { ...none, done: 3, new: 1 });
    t.deepEqual(inputs.map(({ kernel }) => String(kernel).split(' ')[0]), ['reference', 'reference', 'reference', 'wasm']); // prettier-ignore
    const manifest = await readFile(join(where, 'out', 'headpool.manifest'), 'utf8');
    t.regex(manifest, /"path":"c\.safetensors","format":"safetensors","version":"[^"]+","kernel":"reference/);
    t.regex(manifest, /"path":"d\.jsonl","format":"jsonl","version":"[^"]+","kernel":"wasm/);
  },
);

test.serial('a damaged file is computed once it is repaired, and nothing else is', async (t) => {
  const { where, path, write, report } = await prepare(t);
  await writeFile(path('c.safetensors'), 'damaged');
  const first = await report('--on-error', 'skip');
  t.like(first.inputs[2], { output: null, sequences: 0, checksum: null });
  await write('c.safetensors', 4);
  const { found, sequences, flop } = await report('--resume', '--on-error', 'skip');
  t.deepEqual(found, { ...none, done: 2, failed: 1 });
  t.is(sequences, 6);
  t.true(flop < first.flop);
  t.true((await readdir(join(where, 'out'))).includes('c.safetensors'));
});

test.serial(
  'what runs write is no input of the next, where the folder of outputs lies among the inputs',
  async (t) => {
    const { where, report } = await prepare(t);
    for (const args of [[], ['--resume']]) {
      const { inputs, leftOut } = await report(...args, '-o', 'in/out/');
      t.is(inputs.length, 3);
      if (args.length > 0)
        t.true(JSON.stringify(leftOut).includes('{"path":"in/out","reason":"the output folder"}'));
    }
    t.is((await filesIn(join(where, 'in', 'out'))).length, 4);
  },
);
