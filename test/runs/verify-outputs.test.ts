// Reading outputs again: every byte counts, and what is wrong is named.
import { open, readFile, truncate, unlink, appendFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { RunState } from '../../src/runs/manifest.js';
import type { RunRequest } from '../../src/runs/request.js';
import { verifyOutputs } from '../../src/runs/verify-outputs.js';
import { assertRefused } from '../helpers/assertions.js';
import { openBench, requestFor, runBatch } from '../helpers/batch-run.js';
import { makeFolder } from '../helpers/make-folder.js';
import { makeSequences, writeSequences } from '../helpers/sequence-files.js';

const bench = openBench();

async function run(t: ExecutionContext, output = 'y.safetensors') {
  const folder = await makeFolder(t);
  const x = await writeSequences(
    join(folder, 'x.jsonl'),
    makeSequences([4, 0, 9, 7], 1, { names: [1, 2, 3, 4] }),
  );
  const request = await requestFor({ inputs: [x], output: join(folder, output), hasStatistics: true });
  const state = await runBatch(request, { bench: bench(), limits: { mostTokens: 9 } });
  const { path, statisticsPath } = request.targets[0]!;
  return { request, state, path, statisticsPath: statisticsPath! };
}

for (const name of ['y.safetensors', 'y.jsonl', 'y.arrow', 'y.parquet']) {
  test(`what was written to ${name} passes, and is counted`, async (t) => {
    const { request, state, path, statisticsPath } = await run(t, name);
    const bytes = (await readFile(path)).length + (await readFile(statisticsPath)).length;
    t.deepEqual(await verifyOutputs(request, state), { files: 2, bytes });
  });
}

async function flip(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, position);
  byte[0]! ^= 1;
  await file.write(byte, 0, 1, position);
  await file.close();
}

const what = (begin: number, end: number) => `of bytes ${begin} to ${end} for \`checksum\``;

test('a byte that is another is found in every part of the rows', async (t) => {
  const { request, state, path } = await run(t);
  const { prologue, epilogue } = state.finishOf(0)!;
  const rows = state.partsOf(0).map(({ parts }) => parts.rows);
  t.true(rows.length > 1 && epilogue.byteLength > 0);
  for (const { begin, byteLength } of [prologue, ...rows, epilogue]) {
    for (const position of [begin, begin + byteLength - 1]) {
      await flip(path, position);
      await assertRefused(t, () => verifyOutputs(request, state), {
        code: 'INVALID_FILE',
        path,
        what: what(begin, begin + byteLength),
      });
      await flip(path, position);
    }
  }
  t.is((await verifyOutputs(request, state)).files, 2);
});

test('a byte that is another is found in the statistics', async (t) => {
  const { request, state, statisticsPath } = await run(t);
  for (const { parts } of state.partsOf(0)) {
    const { begin, byteLength } = parts.statistics!;
    await flip(statisticsPath, begin + byteLength - 2);
    await assertRefused(t, () => verifyOutputs(request, state), {
      code: 'INVALID_FILE',
      path: statisticsPath,
      what: what(begin, begin + byteLength),
    });
    await flip(statisticsPath, begin + byteLength - 2);
  }
});

type Spoil = (path: string, size: number) => Promise<void>;

const spoils: Readonly<Record<string, Spoil>> = {
  'one byte longer': (path) => appendFile(path, 'x'),
  'one byte shorter': (path, size) => truncate(path, size - 1),
  empty: (path) => truncate(path, 0),
};

for (const [name, spoil] of Object.entries(spoils)) {
  test(`a file that is ${name} is named with both sizes`, async (t) => {
    for (const which of ['path', 'statisticsPath'] as const) {
      const done = await run(t);
      const size = (await readFile(done[which])).length;
      await spoil(done[which], size);
      const found = (await readFile(done[which])).length;
      await assertRefused(t, () => verifyOutputs(done.request, done.state), {
        code: 'INVALID_FILE',
        path: done[which],
        what: `expected ${size} for \`bytes\`, got \`${found}\``,
      });
    }
  });
}

test('a file that has gone is named', async (t) => {
  for (const which of ['path', 'statisticsPath'] as const) {
    const done = await run(t);
    await unlink(done[which]);
    await assertRefused(t, () => verifyOutputs(done.request, done.state), {
      code: 'FILE_FAILED',
      path: done[which],
      what: 'ENOENT',
    });
  }
});

test('of many outputs the one that is wrong is named, and one that was given up is none', async (t) => {
  const folder = await makeFolder(t);
  const inputs = ['a', 'b', 'c'].map((name) => join(folder, `${name}.safetensors`));
  for (const [n, path] of inputs.entries()) await writeSequences(path, makeSequences([3], n));
  await truncate(inputs[1]!, 30);
  const out = await makeFolder(t);
  const request = await requestFor({ inputs, output: out, onError: 'skip' });
  const state: RunState = await runBatch(request, { bench: bench() });
  t.is((await verifyOutputs(request, state)).files, 2);
  await flip(targetOf(request, 2), 500);
  const error = await t.throwsAsync(verifyOutputs(request, state));
  t.true(error.message.startsWith(targetOf(request, 2)), error.message);
});

function targetOf({ targets }: RunRequest, number: number): string {
  const { path } = targets[number]!;
  if (basename(path) !== 'c.safetensors') throw new Error(path);
  return path;
}
