// Outputs that can't be what they should: folders, FIFOs, devices, links, the input itself. Refused before anything is
// computed, and everything stays as it was.
import { spawnSync } from 'node:child_process';
import { copyFile, link, lstat, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { argsOf, packed, shared, useInputs } from '../helpers/fault-inputs.js';
import { run } from '../helpers/command.js';
import { assertComplete, assertFailed, filesIn } from '../helpers/fault-run.js';
import { makeFolder } from '../helpers/make-folder.js';

useInputs(packed);

interface Obstacle {
  readonly place: (where: string) => Promise<unknown>;
  readonly args?: readonly string[];
  readonly says: RegExp;
  readonly code?: 1 | 2;
}

function makeFifo(path: string): Promise<void> {
  return spawnSync('mkfifo', [path]).status === 0
    ? Promise.resolve()
    : Promise.reject(new Error('no mkfifo'));
}

const obstacles: Readonly<Record<string, Obstacle>> = {
  'an output that is a FIFO': {
    place: (where) => makeFifo(join(where, 'y.safetensors')),
    says: /^headpool: y\.safetensors: .*FIFO/,
  },
  'an output that is a device, by a link': {
    place: (where) => symlink('/dev/full', join(where, 'y.safetensors')),
    says: /^headpool: y\.safetensors: .*device/,
  },
  'a folder where statistics should go': {
    place: (where) => mkdir(join(where, 'y.statistics.jsonl')),
    args: ['--statistics'],
    says: /^headpool: y\.statistics\.jsonl: .*folder/,
  },
  'a FIFO where the partial file should go': {
    place: (where) => makeFifo(join(where, 'y.safetensors.partial')),
    says: /^headpool: y\.safetensors: .*FIFO/,
  },
  'a link where the partial file should go': {
    place: (where) => symlink('w', join(where, 'y.safetensors.partial')),
    says: /^headpool: y\.safetensors: .*link/,
  },
  'a folder where the manifest should go': {
    place: (where) => mkdir(join(where, 'y.safetensors.manifest')),
    says: /^headpool: y\.safetensors\.manifest: .*folder/,
  },
  'a folder where the lock should go': {
    place: (where) => mkdir(join(where, 'y.safetensors.manifest.lock')),
    says: /^headpool: y\.safetensors\.manifest\.lock: .*folder/,
  },
  'an output that is the input': {
    place: (where) => copyFile(shared('x.safetensors'), join(where, 'x.safetensors')),
    args: ['-i', './x.safetensors', '-o', 'x.safetensors'],
    says: /not read for `output`/,
    code: 2,
  },
  'an output that is the input by another name': {
    place: async (where) => {
      await copyFile(shared('x.safetensors'), join(where, 'x.safetensors'));
      await link(join(where, 'x.safetensors'), join(where, 'y.safetensors'));
    },
    args: ['-i', './x.safetensors'],
    says: /not read for `output`/,
    code: 2,
  },
};

for (const [name, { place, args = [], says, code = 1 }] of Object.entries(obstacles)) {
  test.serial(`${name} is refused and stays`, async (t) => {
    const where = await makeFolder(t);
    await place(where);
    const before = await describeFiles(where);
    // Of flags given twice the last one counts, but for inputs.
    const [given, ...rest] = args.includes('-i') ? [argsWithoutInput(), ...args] : [argsOf(packed), ...args];
    assertFailed(t, await run(where, [...given, ...rest]), code, says);
    t.deepEqual(await describeFiles(where), before);
  });
}

function argsWithoutInput(): string[] {
  return argsOf({ ...packed, inputs: [] }).filter((arg) => arg !== '-i');
}

async function describeFiles(where: string): Promise<string[]> {
  const names = await filesIn(where);
  return Promise.all(
    names.map(async (name) => {
      const { mode, size } = await lstat(join(where, name));
      return `${name} ${mode} ${size}`;
    }),
  );
}

test.serial('an output that is a folder gets a file in it', async (t) => {
  const where = await makeFolder(t);
  await mkdir(join(where, 'y'));
  const { code, stderr } = await run(where, argsOf({ ...packed, output: 'y' }));
  t.is(code, 0, stderr);
  const inFolder = { ...packed, files: ['x.safetensors'], manifest: 'headpool.manifest' };
  t.deepEqual(await filesIn(join(where, 'y')), [inFolder.manifest, ...inFolder.files]);
});

test.serial('an output that is a link is replaced, and what it led to stays', async (t) => {
  const where = await makeFolder(t);
  await mkdir(join(where, 'out'));
  await writeFile(join(where, 'precious'), 'precious');
  await symlink('../precious', join(where, 'out', 'y.safetensors'));
  const { code, stderr } = await run(join(where, 'out'), argsOf(packed));
  t.is(code, 0, stderr);
  await assertComplete(t, join(where, 'out'), packed);
  t.is(await readFile(join(where, 'precious'), 'utf8'), 'precious');
});

// The error of making the folder is the system's own and comes with a stack.
test.serial('a folder for outputs below a file is refused', async (t) => {
  const where = await makeFolder(t);
  await writeFile(join(where, 'file'), '');
  const ended = await run(where, argsOf({ ...packed, output: 'file/out/' }));
  assertFailed(t, ended, 1, /^headpool: file\/out\/?: could not create the folder: ENOTDIR/);
});
