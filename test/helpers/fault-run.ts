// Runs of `headpool run` that are to be disturbed: watched, and held against what an undisturbed one writes.
// How to disturb is the business of others.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { exists } from '../../src/files/open-file.js';
import { run, start, type Ended, type Started } from './command.js';
import { argsOf, manyChunks, type RunCase } from './fault-inputs.js';
import { makeFolder } from './make-folder.js';

const wanted = new Map<string, ReadonlyMap<string, string>>();

/** SHA-256 of each file that a run writes if nothing disturbs it. */
export async function wantedOf(t: ExecutionContext, runCase: RunCase): Promise<ReadonlyMap<string, string>> {
  const known = wanted.get(runCase.name);
  if (known !== undefined) return known;
  const where = await makeFolder(t);
  const { code, stderr } = await run(where, argsOf(runCase));
  t.is(code, 0, stderr);
  const hashes = await hashesIn(where, runCase);
  t.is(hashes.size, runCase.files.length);
  wanted.set(runCase.name, hashes);
  return hashes;
}

/** Those of a case's outputs that stand under their names. */
async function hashesIn(where: string, { files }: RunCase): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>();
  for (const name of files) {
    const bytes = await readFile(join(where, name)).catch(() => undefined);
    if (bytes !== undefined) hashes.set(name, createHash('sha256').update(bytes).digest('hex'));
  }
  return hashes;
}

/** That what has its final name has all its bytes. Returns how many files do. */
export async function assertNothingHalf(
  t: ExecutionContext,
  where: string,
  runCase: RunCase,
): Promise<number> {
  const hashes = await wantedOf(t, runCase);
  const found = await hashesIn(where, runCase);
  for (const [name, hash] of found) t.is(hash, hashes.get(name) ?? '', `${name} is not what it should be`);
  return found.size;
}

/** That all outputs are there as an undisturbed run writes them, and nothing besides them and the manifest. */
export async function assertComplete(t: ExecutionContext, where: string, runCase: RunCase): Promise<void> {
  t.is(await assertNothingHalf(t, where, runCase), runCase.files.length, 'an output is missing');
  t.deepEqual(await filesIn(where), [...runCase.files, runCase.manifest].sort());
}

/** That a run went on where another stopped, to the end. */
export async function assertResumes(
  t: ExecutionContext,
  where: string,
  runCase: RunCase,
  more: readonly string[] = manyChunks,
): Promise<void> {
  const recorded = await recordedIn(where, runCase);
  const { code, stdout, stderr } = await run(where, argsOf(runCase, ...more, '--resume', '--json'));
  t.is(code, 0, stderr);
  const { resumedSequences } = JSON.parse(stdout) as { resumedSequences: number };
  t.is(resumedSequences, recorded.sequences, 'what was recorded is not computed again');
  await assertComplete(t, where, runCase);
}

/** That a run failed as a command should: its code, one line that names `says`, no stack. */
export function assertFailed(t: ExecutionContext, ended: Ended, code: number, says: RegExp): void {
  t.is(ended.code, code, `${ended.stderr}${ended.signal ?? ''}`);
  const said = textOf(ended.stderr);
  t.regex(said, says);
  t.regex(said, /^headpool: [^\n]+\n$/, 'one error, one line');
}

/** An error as people read it, of runs with `--json` too. */
function textOf(stderr: string): string {
  if (!/^\{.*\}\n$/.test(stderr)) return stderr;
  return `headpool: ${(JSON.parse(stderr) as { readonly message: string }).message}\n`;
}

/** All files below a folder, as relative paths. */
export async function filesIn(where: string): Promise<string[]> {
  const entries = await readdir(where, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => !entry.isDirectory());
  return paths.map((entry) => join(entry.parentPath, entry.name).slice(where.length + 1)).sort();
}

interface Recorded {
  readonly chunks: number;
  readonly sequences: number;
}

/** What the whole lines of a manifest say; nothing if there is none. */
export async function recordedIn(where: string, { manifest }: RunCase): Promise<Recorded> {
  const text = await readFile(join(where, manifest), 'utf8').catch(() => '');
  let [chunks, sequences] = [0, 0];
  for (const line of text.split('\n').slice(1, -1)) {
    const { portions } = JSON.parse(line.slice(9)) as {
      portions?: readonly { readonly lengths: readonly number[] }[];
    };
    if (portions === undefined) continue;
    chunks++;
    for (const { lengths: recorded } of portions) sequences += recorded.length;
  }
  return { chunks, sequences };
}

interface AtWork {
  readonly runCase: RunCase;
  readonly args: readonly string[];
  readonly chunks: number;
  /** Puts there what the run needs. */
  readonly prepare?: (where: string) => Promise<void>;
}

/**
 * Starts a run and stops it by SIGSTOP once that many chunks are recorded. Where it was over by then, because this
 * process didn't get to it, it begins anew in another folder.
 */
export async function stopAtWork(
  t: ExecutionContext,
  { runCase, args, chunks, prepare }: AtWork,
): Promise<Started & { readonly where: string }> {
  for (;;) {
    const where = await makeFolder(t);
    await prepare?.(where);
    const started = start(where, args);
    await untilRecorded(started, { where, runCase, chunks });
    started.child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 50));
    // Who holds it is at work.
    if (await exists(join(where, `${runCase.manifest}.lock`))) return { ...started, where };
    started.child.kill('SIGCONT');
    const { code, stderr } = await started.finished;
    t.is(code, 0, stderr);
  }
}

/** Resolves once that many chunks are recorded, or the run has ended. */
export async function untilRecorded(
  { child }: Started,
  { where, runCase, chunks }: { readonly where: string; readonly runCase: RunCase; readonly chunks: number },
): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    if ((await recordedIn(where, runCase)).chunks >= chunks) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
