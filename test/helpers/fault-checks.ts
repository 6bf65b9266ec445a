// Disturbs runs, by kills at random and by faults of single calls, and holds what they and later runs do against what
// is promised.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { createRandom } from '../../src/core/tensor/random.js';
import { argsOf, manyChunks, type RunCase } from './fault-inputs.js';
import { run, start } from './command.js';
import {
  assertComplete,
  assertFailed,
  assertNothingHalf,
  assertResumes,
  filesIn,
  recordedIn,
  untilRecorded,
} from './fault-run.js';
import { runWithFault, type Fault, type FileCall } from './strace.js';

type Random = ReturnType<typeof createRandom>;

interface Place {
  readonly where: string;
  readonly runCase: RunCase;
}

/** About as many chunks as a case has. */
const usualChunks = 16;
/** About what it takes to start, and for a chunk. */
const [startMs, chunkMs] = [800, 12];

/**
 * Starts a run, or goes on with one, and kills it: while it starts, or up to a chunk after a random one. Returns
 * whether it was still at work.
 */
async function killAtRandom({ where, runCase }: Place, random: Random): Promise<boolean> {
  const started = start(where, argsOf(runCase, ...manyChunks, '--resume'));
  const chunks = Math.floor(random.uniform() * usualChunks);
  await untilRecorded(started, { where, runCase, chunks });
  const waitMs = random.uniform() * (chunks === 0 ? startMs : chunkMs);
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  started.child.kill('SIGKILL');
  return (await started.finished).signal === 'SIGKILL';
}

/** What a run leaves that is killed while it creates its manifest or lock, under a name that nothing else looks at. */
async function removeDrafts(where: string): Promise<void> {
  const names = await filesIn(where);
  const drafts = names.filter((name) => /(^|\/)\.[^/]+\.\d+-[0-9a-f]{12}\.tmp$/.test(name));
  await Promise.all(drafts.map((name) => rm(join(where, name))));
}

/** That a run killed at random resumes, as it does when it is killed again and again. Returns how often it was. */
export async function assertSurvivesKills(
  t: ExecutionContext,
  { where, runCase }: Place,
  { random, again }: { readonly random: Random; readonly again: number },
): Promise<number> {
  let kills = 0;
  do {
    if (await killAtRandom({ where, runCase }, random)) kills++;
    await removeDrafts(where);
    await assertNothingHalf(t, where, runCase);
  } while (random.uniform() < again);
  // How a run is cut into chunks is no matter of its own.
  await assertResumes(t, where, runCase, ['--batch-tokens', String(50 + Math.floor(random.uniform() * 500))]);
  return kills;
}

interface CutPlace extends Place {
  /** Flags that say how the run is cut into chunks. */
  readonly more: readonly string[];
}

/** That a run killed at a call resumes. Returns whether there was such a call. */
export async function assertSurvivesKillAt(
  t: ExecutionContext,
  { where, runCase, more }: CutPlace,
  fault: Omit<Fault, 'what'>,
): Promise<boolean> {
  const { code, signal, stderr, isHit } = await runWithFault(
    t,
    { where, runCase, more: [...more, '--resume'] },
    { ...fault, what: 'KILL' },
  );
  if (!isHit) {
    t.is(code, 0, `${stderr}${signal ?? ''}`);
    return false;
  }
  await removeDrafts(where);
  await assertNothingHalf(t, where, runCase);
  await assertResumes(t, where, runCase, more);
  return true;
}

/** How a message names the step that failed. */
const steps: Readonly<Record<FileCall, RegExp>> = {
  open: /could not create a file beside it/,
  fsync: /could not sync/,
  write: /could not write/,
  rename: /could not rename/,
  truncate: /could not set the length/,
  link: /could not create a lock file/,
  unlink: /could not (remove|create)/,
};

/**
 * That a run ends with an error of file and step when a call fails, and that what it had recorded is not lost. Returns
 * whether there was such a call.
 */
export async function assertSurvivesError(
  t: ExecutionContext,
  { where, runCase, more }: CutPlace,
  fault: Fault,
): Promise<boolean> {
  const { isHit, ...ended } = await runWithFault(t, { where, runCase, more }, fault);
  if (!isHit) {
    t.is(ended.code, 0, ended.stderr);
    return false;
  }
  assertFailed(t, ended, 1, steps[fault.call]);
  t.regex(ended.stderr, new RegExp(fault.what));
  const names = [...runCase.files, runCase.manifest];
  t.true(
    names.some((name) => ended.stderr.startsWith(`headpool: ${name}`)),
    ended.stderr,
  );
  await assertNothingHalf(t, where, runCase);
  if ((await recordedIn(where, runCase)).chunks > 0) {
    await assertResumes(t, where, runCase, more);
  } else if ((await filesIn(where)).length > 0) {
    const { code, stderr } = await run(where, argsOf(runCase, ...more));
    t.is(code, 0, stderr);
    await assertComplete(t, where, runCase);
  }
  return true;
}
