// Faults of the system calls of a run, by `strace`: an error, or a SIGKILL, at the Nth call of a kind. A run under it
// has one thread for its files, because strace counts the calls of each thread by themselves.
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { argsOf, type RunCase } from './fault-inputs.js';
import { run, type Ended } from './command.js';
import { makeFolder } from './make-folder.js';
import { testSeriallyUnless } from './skips.js';

/** Names of one call on all systems; they come as regular expressions of strace. */
export const fileCalls = {
  open: '/^open',
  fsync: '/^f(data)?sync$',
  write: '/^pwrite',
  rename: '/^rename',
  truncate: '/^ftruncate',
  link: '/^link',
  unlink: '/^unlink',
} as const;

export type FileCall = keyof typeof fileCalls;

// The second makes it fast, but loses signals.
const [always, fast] = [['-f', '-qq'], '--seccomp-bpf'];

/** Why no system call can be disturbed here; undefined if it can. */
function findProblem(): string | undefined {
  const expression = ['-e', 'trace=/^fsync', '-e', 'inject=/^fsync:error=EIO:when=999'];
  const { error, status, stderr } = spawnSync('strace', [...always, fast, ...expression, 'true'], {
    encoding: 'utf8',
  });
  if (error !== undefined) return 'there is no strace';
  return status === 0 ? undefined : stderr.trim().split('\n')[0]!;
}

/** A serial test that needs strace; where there is none it counts as skipped, and says why. */
export const testWithStrace = testSeriallyUnless(findProblem());

export interface Fault {
  readonly call: FileCall;
  /** From 1. */
  readonly nth: number;
  /** A system error such as EIO, or KILL. */
  readonly what: 'EIO' | 'ENOSPC' | 'KILL';
  /** Whose calls alone count, relative to where the run is; default: those of any file. */
  readonly path?: string;
}

export interface Disturbed extends Ended {
  /** Whether there was an Nth call. */
  readonly isHit: boolean;
}

/** Runs a case in `where` with one fault. */
export async function runWithFault(
  t: ExecutionContext,
  {
    where,
    runCase,
    more,
  }: { readonly where: string; readonly runCase: RunCase; readonly more: readonly string[] },
  { call, nth, what, path }: Fault,
): Promise<Disturbed> {
  const trace = join(await makeFolder(t), 'trace');
  const name = fileCalls[call];
  const fault = what === 'KILL' ? 'signal=KILL' : `error=${what}`;
  const speed = what === 'KILL' ? [] : [fast];
  const at = path === undefined ? [] : ['-P', join(where, path)];
  const under = ['strace', ...always, ...speed, '-o', trace, ...at, '-e', `trace=${name}`];
  const ended = await run(where, argsOf(runCase, ...more), {
    under: [...under, '-e', `inject=${name}:${fault}:when=${nth}`],
    env: { UV_THREADPOOL_SIZE: '1' },
  });
  const isHit =
    what === 'KILL' ? ended.signal === 'SIGKILL' : (await readFile(trace, 'utf8')).includes('(INJECTED)');
  return { ...ended, isHit };
}
