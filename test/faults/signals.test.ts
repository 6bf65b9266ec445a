// Signals and pipes: a run that is asked to stop keeps its work, and one that nobody reads any more ends.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { run, start } from '../helpers/command.js';
import { argsOf, lines, long, manyChunks, slow, useInputs } from '../helpers/fault-inputs.js';
import {
  assertFailed,
  assertNothingHalf,
  assertResumes,
  filesIn,
  recordedIn,
  stopAtWork,
} from '../helpers/fault-run.js';
import { makeFolder } from '../helpers/make-folder.js';

useInputs(slow, long, lines);

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Stops a slow run by a signal after its second chunk. */
async function stopBy(t: ExecutionContext, signal: NodeJS.Signals) {
  const args = argsOf(slow, ...manyChunks);
  const { where, child, finished } = await stopAtWork(t, { runCase: slow, args, chunks: 2 });
  child.kill(signal);
  child.kill('SIGCONT');
  const ended = await finished;
  t.is(await assertNothingHalf(t, where, slow), 0);
  const { chunks } = await recordedIn(where, slow);
  t.true(chunks >= 2 && chunks < 16, `${chunks} chunks`);
  return { where, ended };
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test.serial(
    `${signal} ends a run with exit code ${code} after its chunk, and it can be resumed`,
    async (t) => {
      const { where, ended } = await stopBy(t, signal);
      assertFailed(t, ended, code, new RegExp(`Stopped by ${signal}.*--resume`));
      t.deepEqual(await filesIn(where), [slow.manifest, 'y.safetensors.partial']);
      await assertResumes(t, where, slow);
    },
  );
}

test.serial('a second SIGINT ends a run at once', async (t) => {
  const where = await makeFolder(t);
  const started = start(where, argsOf(long));
  while (!(await filesIn(where)).includes('y.safetensors.manifest')) await sleep(5);
  // The manifest is there before the chunk is begun.
  await sleep(500);
  started.child.kill('SIGINT');
  await sleep(100);
  t.is(started.child.exitCode, null, 'the first lets it finish its chunk');
  started.child.kill('SIGINT');
  const ended = await started.finished;
  t.is(ended.code, 130);
  t.deepEqual(await recordedIn(where, long), { chunks: 0, sequences: 0 });
  // What it had no time to remove is no obstacle.
  const other = { ...long, inputs: slow.inputs };
  const { code, stderr } = await run(where, argsOf(other));
  t.is(code, 0, stderr);
  t.deepEqual(await filesIn(where), ['y.safetensors', 'y.safetensors.manifest']);
});

test.serial('a reader that stops reading ends a run without a stack', async (t) => {
  const where = await makeFolder(t);
  const under = ['sh', '-c', '"$@" | head -n 1', 'sh'];
  const args = argsOf({ ...lines, output: '-' }, '--output-format', 'jsonl', ...manyChunks);
  const { code, stdout, stderr } = await run(where, args, { under });
  t.is(code, 0, 'that of head');
  const first = (await wantedLines(t))[0]!;
  t.is(stdout, `${first}\n`);
  t.notRegex(stderr, /\n\s+at |node:internal/, 'no stack');
});

test.serial(
  'standard input that ends within a line is refused, and nothing stands under the final name',
  async (t) => {
    const where = await makeFolder(t);
    const half = (await wantedLines(t)).slice(0, 3).join('\n').slice(0, -20);
    const args = argsOf({ ...lines, inputs: [] }, ...manyChunks).filter((arg) => arg !== '-i');
    const { child, finished } = start(where, [...args, '-i', '-'], { stdin: 'pipe' });
    child.stdin!.end(half);
    assertFailed(t, await finished, 1, /line 3/);
    t.deepEqual(await filesIn(where), []);
  },
);

test.serial('SIGINT ends a run that waits for standard input', async (t) => {
  const where = await makeFolder(t);
  const args = argsOf({ ...lines, inputs: [] }, ...manyChunks).filter((arg) => arg !== '-i');
  const { child, finished } = start(where, [...args, '-i', '-'], { stdin: 'pipe' });
  // More than a chunk, and then nothing.
  child.stdin!.write((await wantedLines(t)).slice(0, 20).join('\n'));
  while ((await filesIn(where)).length === 0) await sleep(5);
  child.kill('SIGINT');
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const ended = await finished;
  clearTimeout(timer);
  assertFailed(t, { ...ended, stdout: '' }, 130, /Stopped by SIGINT/);
  t.deepEqual(await filesIn(where), []);
});

/** What a run writes as .jsonl, which can be read as sequences too. */
async function wantedLines(t: ExecutionContext): Promise<string[]> {
  const where = await makeFolder(t);
  const { code, stderr } = await run(where, argsOf(lines));
  t.is(code, 0, stderr);
  return (await readFile(join(where, 'y.jsonl'), 'utf8')).split('\n');
}
