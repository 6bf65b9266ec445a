// Programs of the system that tests start: where they are, and that none outlives the test's process.
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { systemCodeOf } from '../../src/files/attempt.js';

/** The first folder of the PATH, or else of `more`, that has all of the programs. */
export function findFolder(programs: readonly string[], more: readonly string[] = []): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...more];
  return folders.find((folder) => programs.every((program) => isExecutable(join(folder, program))));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** By its real user: tests of permissions change the effective one for a while. */
export const isRoot = process.getuid?.() === 0;

export const hasSetpriv = findFolder(['setpriv']) !== undefined;

/**
 * What a program is run by so that the system ends it when this process has gone without a word, where it can.
 * @param rights flags of setpriv that say whose rights the program has; changed before, they would undo the rest
 */
export function tiedToParent(signal: NodeJS.Signals, rights: readonly string[] = []): string[] {
  return hasSetpriv ? ['setpriv', ...rights, '--pdeathsig', signal.slice('SIG'.length), '--'] : [];
}

/** Processes that a process has started, as Linux tells. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

/** Does nothing where it has ended just now. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemCodeOf(error) !== 'ESRCH') throw error;
  }
}
