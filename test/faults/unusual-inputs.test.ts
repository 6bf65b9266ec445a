// Inputs that no program writes on purpose: names that are no text, FIFOs and devices, and sparse files that promise
// more than any machine has. Each is refused by name, soon and in little memory, or is computed all the same.
import { execFile, execFileSync } from 'node:child_process';
import { open, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { formatNpyHeader } from '../../src/files/npy.js';
import { formatSafetensorsHeader, type TensorOutline } from '../../src/files/safetensors.js';
import { layerFlags } from '../helpers/batch-run.js';
import { cli, run } from '../helpers/command.js';
import { filesIn } from '../helpers/fault-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';

const gibibyte = 2 ** 30;

/** A file that begins with `start`; the rest of its bytes are zeros that take no room. */
async function writeSparse(path: string, start: Uint8Array, byteLength: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.write(start);
    await file.truncate(byteLength);
  } finally {
    await file.close();
  }
}

async function writeSparseNpy(path: string, shape: readonly number[]): Promise<void> {
  const header = formatNpyHeader('F32', shape);
  await writeSparse(path, header, header.length + 4 * shape.reduce((count, length) => count * length));
}

async function writeSparseTensors(path: string, outlines: readonly TensorOutline[]): Promise<void> {
  const { bytes, fileSize } = formatSafetensorsHeader(outlines);
  await writeSparse(path, bytes, fileSize);
}

const modelDim = 8;
const rows = (count: number): TensorOutline => ({ name: 'x', dtype: 'F32', shape: [count, modelDim] });

const inputs: Readonly<Record<string, readonly [string, (path: string) => Promise<void>, RegExp]>> = {
  'a line of 96 GiB': ['x.jsonl', (path) => writeSparse(path, Buffer.alloc(1), 96 * gibibyte), /at most 268435456 bytes for `line 1`/], // prettier-ignore
  'one sequence of 96 GiB': ['x.npy', (path) => writeSparseNpy(path, [(96 * gibibyte) / 32, modelDim]), /at most \d+ tokens/], // prettier-ignore
  'offsets of 3.3 GB': ['x.safetensors', (path) => writeSparseTensors(path, [rows(4), { name: 'offsets', dtype: 'I64', shape: [410_000_000] }]), /at most 33554432 sequences for `offsets\.shape`/], // prettier-ignore
  'very many sequences of one token': ['x.safetensors', (path) => writeSparseTensors(path, [{ name: 'x', dtype: 'F32', shape: [2 ** 33, 1, modelDim] }]), /at most 33554432 sequences for `x\.shape`/], // prettier-ignore
};

for (const [name, [file, write, says]] of Object.entries(inputs)) {
  test.serial(`${name} is refused by name`, async (t) => {
    const where = await makeFolder(t);
    await write(join(where, file));
    const args = ['run', '-i', file, '-o', 'y.safetensors', ...(await layerFlags(where))];
    const { code, stderr } = await run(where, args);
    t.is(code, 1, stderr);
    t.regex(stderr, says);
    t.true(stderr.startsWith(`headpool: ${file}: `) && !stderr.includes('    at '), stderr);
    t.false((await filesIn(where)).includes('y.safetensors'));
  });
}

test.serial('`explain` names a file that has more in one sequence than the machine has memory', async (t) => {
  const where = await makeFolder(t);
  await writeSparseNpy(join(where, 'x.npy'), [(1024 * gibibyte) / 32, modelDim]);
  const args = [
    'explain',
    '-i',
    'x.npy',
    '--head',
    '0',
    '--query',
    '1',
    ...(await layerFlags(where)).slice(0, 4),
  ];
  const { code, stderr } = await run(where, args);
  t.is(code, 1);
  t.regex(stderr, /^headpool: x\.npy: no memory for its numbers: /);
});

/** Makes a FIFO, which would be waited for, and runs the command over it. */
async function overFifo(t: ExecutionContext, name: string, args: readonly string[]) {
  const where = await makeFolder(t);
  await mkdir(join(where, 'suite'));
  execFileSync('mkfifo', [join(where, name)]);
  return run(where, args);
}

for (const [name, code, ...args] of [
  ['c.yaml', 2, 'make-weights', '--config', 'c.yaml'],
  ['r.json', 1, 'bench', '--compare', 'r.json', 'r.json'],
  ['suite/cases.json', 1, 'verify', 'suite'],
] as const) {
  test.serial(`a FIFO for \`${args.join(' ')}\` is not waited for`, async (t) => {
    const ended = await overFifo(t, name, args);
    t.is(ended.code, code, ended.stderr);
    t.regex(ended.stderr, /it is a FIFO, not a regular file/);
  });
}

test.serial('a folder as standard input is no empty input', async (t) => {
  const where = await makeFolder(t);
  const flags = await layerFlags(where);
  const line = [process.execPath, cli, 'run', '-i', '-', '-o', 'y.npy', ...flags];
  const { code, stderr } = await new Promise<{ code: number; stderr: string }>((resolve) => {
    const quoted = line.map((word) => `'${word}'`).join(' ');
    execFile('sh', ['-c', `${quoted} < .`], { cwd: where }, (error, _, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr });
    });
  });
  t.is(code, 1);
  t.is(stderr, 'headpool: standard input: could not read: it is a folder\n');
});

/** A folder of three inputs, one of which has a name as long as names may be. */
async function prepareNames(t: ExecutionContext) {
  const where = await makeFolder(t);
  await mkdir(join(where, 'in'));
  const long = `${'n'.repeat(251)}.npy`;
  for (const name of ['a.npy', 'b.npy', long]) {
    await writeSequences(join(where, 'in', name), makeSequences([3], 1));
  }
  const flags = await layerFlags(where);
  const call = (...more: string[]) => run(where, ['run', '-i', 'in', '-o', 'out/', ...flags, ...more]);
  return { where, long, call };
}

test.serial('a name that leaves no room for `.partial` is a name like others', async (t) => {
  const { where, long, call } = await prepareNames(t);
  const { code, stderr } = await call();
  t.is(code, 0, stderr);
  t.deepEqual(await filesIn(join(where, 'out')), ['a.npy', 'b.npy', 'headpool.manifest', long]);
});

test.serial('a name that is no UTF-8 is refused by name, or skipped and told', async (t) => {
  const { where, long, call } = await prepareNames(t);
  await writeFile(Buffer.concat([Buffer.from(`${where}/in/c`), Buffer.of(0xff), Buffer.from('.npy')]), '');
  const refused = await call();
  t.is(refused.code, 1);
  t.is(refused.stderr, 'headpool: in/c\uFFFD.npy: could not open: its name is no UTF-8\n');
  for (const more of [[], ['--resume']]) {
    const { code, stderr } = await call('--on-error', 'skip', ...more);
    t.is(code, 3, stderr);
    t.regex(stderr, /in\/c\uFFFD\.npy: could not open: its name is no UTF-8/);
    t.deepEqual(await filesIn(join(where, 'out')), ['a.npy', 'b.npy', 'headpool.manifest', long]);
  }
});
