// Manifests that are torn, damaged, foreign, or tell of files that have gone: what can be gone on with is, and of the
// rest an error says why not.
import {
  appendFile,
  copyFile,
  cp,
  mkdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { createRandom } from '../../src/core/tensor/random.js';
import { argsOf, manyChunks, modelDim, packed, shared, useInputs } from '../helpers/fault-inputs.js';
import { assertComplete, assertFailed, assertResumes, filesIn, recordedIn } from '../helpers/fault-run.js';
import { type Ended, headpool, run } from '../helpers/command.js';
import { makeFolder } from '../helpers/make-folder.js';

useInputs(packed);

/** Has a file size limit stop a run in its middle: some 50 KB, by blocks of 512 or 1024 bytes. */
async function stopIn(t: ExecutionContext, where: string, runCase = packed): Promise<void> {
  const under = ['sh', '-c', 'ulimit -f 80; exec "$@"', 'sh'];
  const { code } = await run(where, argsOf(runCase, ...manyChunks), { under });
  t.is(code, 1);
  const { chunks } = await recordedIn(where, runCase);
  t.true(chunks > 3 && chunks < 17, `${chunks} chunks`);
}

// Made once; each test gets a copy.
test.serial.before('makes a stopped and a complete run', async (t) => {
  await mkdir(shared('stopped'));
  await stopIn(t, shared('stopped'));
  await mkdir(shared('complete'));
  const { code, stderr } = await run(shared('complete'), argsOf(packed, ...manyChunks));
  t.is(code, 0, stderr);
});

async function copyOf(t: ExecutionContext, which: 'stopped' | 'complete'): Promise<string> {
  const where = await makeFolder(t);
  await cp(shared(which), where, { recursive: true });
  return where;
}

const manifestIn = (where: string): string => join(where, packed.manifest);
const partialName = 'y.safetensors.partial';

function resume(where: string, ...more: readonly string[]): Promise<Ended> {
  return run(where, argsOf(packed, '--resume', '--json', ...more));
}

/** That a run is refused, and neither the manifest nor the work is touched. */
async function assertRefused(
  t: ExecutionContext,
  where: string,
  code: 1 | 2,
  says: RegExp,
  more: string[] = [],
) {
  const before = await readFile(manifestIn(where));
  assertFailed(t, await resume(where, ...more), code, says);
  t.deepEqual(await readFile(manifestIn(where)), before);
  t.deepEqual(await filesIn(where), [packed.manifest, partialName]);
}

test.serial('a manifest that is torn at any byte after its head is gone on with', async (t) => {
  const random = createRandom(71);
  for (let cut = 0; cut < 2; cut++) {
    const where = await copyOf(t, 'stopped');
    const text = await readFile(manifestIn(where));
    const head = text.indexOf('\n') + 1;
    await truncate(manifestIn(where), head + Math.floor(random.uniform() * (text.length - head)));
    await assertResumes(t, where, packed);
  }
});

test.serial('a manifest that is damaged before its end is an error that names the line', async (t) => {
  const where = await copyOf(t, 'stopped');
  const text = await readFile(manifestIn(where), 'utf8');
  await writeFile(manifestIn(where), text.replace('"chunk":1,', '"chunk":7,'));
  await assertRefused(t, where, 1, /^headpool: y\.safetensors\.manifest: .*`line 3`/);
});

test.serial('a manifest without a whole record is an error, and --restart begins anew', async (t) => {
  const where = await copyOf(t, 'stopped');
  await writeFile(manifestIn(where), '');
  await assertRefused(t, where, 1, /^headpool: y\.safetensors\.manifest: .*`line 1`/);
  const { code, stderr } = await run(where, argsOf(packed, '--restart'));
  t.is(code, 0, stderr);
  await assertComplete(t, where, packed);
});

/** Replaces the text of a manifest's record, with a checksum that is right. */
async function editRecord(where: string, line: number, edit: (json: string) => string): Promise<void> {
  const text = (await readFile(manifestIn(where), 'utf8')).split('\n');
  const json = edit(text[line]!.slice(9));
  text[line] = `${crc32(json).toString(16).padStart(8, '0')} ${json}`;
  await writeFile(manifestIn(where), text.join('\n'));
}

test.serial('a manifest of an older format is refused by its number', async (t) => {
  const where = await copyOf(t, 'stopped');
  await editRecord(where, 0, (json) => json.replace(/"format":\d+/, '"format":0'));
  await assertRefused(
    t,
    where,
    2,
    /^headpool: Expected a manifest of format \d+ .*manifest.* `0` \(number\)/,
  );
});

test.serial('a manifest that lacks a chunk is an error that names it', async (t) => {
  const where = await copyOf(t, 'stopped');
  await editRecord(where, 2, (json) => json.replace('"chunk":1', '"chunk":2'));
  await assertRefused(t, where, 1, /^headpool: y\.safetensors\.manifest: expected chunk 1/);
});

const otherRuns: readonly (readonly [string, readonly string[]])[] = [
  ['configuration.causal', ['--causal']],
  ['configuration.scale', ['--scale', '0.3']],
  ['dtype', ['--dtype', 'f16']],
  ['pool', ['--pool', 'mean']],
  ['outputFormat', ['--output-format', 'jsonl']],
  ['statistics', ['--statistics']],
];

for (const [field, flags] of otherRuns) {
  test.serial(`a run with other ${flags[0]!} does not go on with another's work`, async (t) => {
    const where = await copyOf(t, 'stopped');
    await assertRefused(t, where, 2, namesField(field), [...flags]);
  });
}

function namesField(field: string): RegExp {
  const name = field.replaceAll(/[[\].]/g, '\\$&');
  return new RegExp(`^headpool: y\\.safetensors\\.manifest: .*\`${name}\`.*\`--restart\` begins anew`);
}

test.serial('a run with other weights does not go on with the work of these', async (t) => {
  const where = await copyOf(t, 'stopped');
  const other = join(await makeFolder(t), 'w.safetensors');
  await headpool('make-weights', '--model-dim', String(modelDim), '--heads', '4', '--seed', '8', '-o', other);
  await assertRefused(t, where, 2, namesField('weights'), ['--weights', other]);
});

test.serial('a run with a changed input does not go on with work on the one before', async (t) => {
  const where = await makeFolder(t);
  const input = join(where, 'input.safetensors');
  const own = { ...packed, inputs: ['./input.safetensors'] };
  await copyFile(shared('x.safetensors'), input);
  await stopIn(t, where, own);
  const bytes = await readFile(input);
  // Among the rows, whose numbers may be any.
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(input, bytes);
  assertFailed(t, await run(where, argsOf(own, '--resume')), 2, namesField('inputs[0].checksum'));
  const args = ['--sequences', '9', '--seed', '5', '-o', input];
  await headpool('make-sequences', '--model-dim', String(modelDim), ...args);
  assertFailed(t, await run(where, argsOf(own, '--resume')), 2, namesField('inputs[0].bytes'));
});

test.serial('a run goes on with work on an input that was only touched since', async (t) => {
  const where = await makeFolder(t);
  const input = join(where, 'input.safetensors');
  const own = { ...packed, inputs: ['./input.safetensors'] };
  await copyFile(shared('x.safetensors'), input);
  await stopIn(t, where, own);
  const recorded = await recordedIn(where, own);
  await utimes(input, 1, 1);
  for (const resumedSequences of [recorded.sequences, 60]) {
    const { code, stdout, stderr } = await run(where, argsOf(own, '--resume', '--json'));
    t.is(code, 0, stderr);
    t.like(JSON.parse(stdout), { resumedSequences, sequences: 60 });
    await utimes(input, 2, 2);
  }
});

test.serial(
  'work whose partial file is missing or too short is an error, and --restart begins anew',
  async (t) => {
    const where = await copyOf(t, 'stopped');
    const says =
      /^headpool: \S*y\.safetensors\.partial: expected at least \d+ for `bytes`, got `(5000|0)`.*; `--restart` begins anew/;
    await truncate(join(where, partialName), 5000);
    assertFailed(t, await resume(where), 1, says);
    await rm(join(where, partialName));
    assertFailed(t, await resume(where), 1, says);
    const { code, stdout, stderr } = await run(where, argsOf(packed, '--restart', '--json'));
    t.is(code, 0, stderr);
    t.like(JSON.parse(stdout), { resumedSequences: 0, sequences: 60 });
    await assertComplete(t, where, packed);
  },
);

test.serial('work with a flipped bit is an error that says where, and --restart begins anew', async (t) => {
  const where = await copyOf(t, 'stopped');
  const partial = await readFile(join(where, partialName));
  // In the rows of the first sequences, after all that a header may be.
  partial[4096]! ^= 0x10;
  await writeFile(join(where, partialName), partial);
  const says =
    /^headpool: \S*y\.safetensors\.partial: expected CRC-32 \w{8} of bytes \d+ to \d+ for `checksum`, got .*; `--restart` begins anew/;
  await assertRefused(t, where, 1, says);
  const { code, stderr } = await run(where, argsOf(packed, '--restart'));
  t.is(code, 0, stderr);
  await assertComplete(t, where, packed);
});

test.serial('unfinished work is neither gone on with nor forgotten unless that is said', async (t) => {
  const where = await copyOf(t, 'stopped');
  const before = await readFile(manifestIn(where));
  const ended = await run(where, argsOf(packed));
  assertFailed(
    t,
    ended,
    2,
    /^headpool: y\.safetensors\.manifest: .*after \d+ chunks; `--resume` .*`--restart`/,
  );
  t.deepEqual(await readFile(manifestIn(where)), before);
  const { code, stderr } = await run(where, argsOf(packed, '--restart'));
  t.is(code, 0, stderr);
  await assertComplete(t, where, packed);
});

test.serial('a complete run has nothing to go on with, and computes nothing', async (t) => {
  const where = await copyOf(t, 'complete');
  const before = await stat(join(where, 'y.safetensors'));
  const { code, stdout, stderr } = await resume(where, '--verify-output');
  t.is(code, 0, stderr);
  t.like(JSON.parse(stdout), { resumedSequences: 60, sequences: 60, flop: 0, verified: { files: 1 } });
  const after = await stat(join(where, 'y.safetensors'));
  t.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs]);
  await assertComplete(t, where, packed);
});

test.serial(
  'a complete run whose output has gone is an error that names the output and --restart',
  async (t) => {
    const where = await copyOf(t, 'complete');
    await rm(join(where, 'y.safetensors'));
    const says =
      /^headpool: y\.safetensors: expected the output that was finished.*; `--restart` begins anew/;
    for (const more of [[], ['--dry-run']]) assertFailed(t, await resume(where, ...more), 1, says);
    t.deepEqual(await filesIn(where), [packed.manifest]);
    const { code, stderr } = await run(where, argsOf(packed, '--restart'));
    t.is(code, 0, stderr);
    await assertComplete(t, where, packed);
  },
);

test.serial('a complete output that was changed is found when it is verified', async (t) => {
  const where = await copyOf(t, 'complete');
  await appendFile(join(where, 'y.safetensors'), 'x');
  assertFailed(
    t,
    await resume(where, '--verify-output'),
    1,
    /^headpool: y\.safetensors: expected \d+ for `bytes`/,
  );
});

test.serial('--resume where nothing was begun begins', async (t) => {
  const where = await makeFolder(t);
  const { code, stdout, stderr } = await resume(where);
  t.is(code, 0, stderr);
  t.like(JSON.parse(stdout), { resumedSequences: 0 });
  await assertComplete(t, where, packed);
});
