// The threads of this process, as Linux lists them.
import { readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

export const threadsProblem =
  process.platform === 'linux' ? undefined : 'only Linux lists the threads of a process';

export const countThreads = (): number => readdirSync('/proc/self/task').length;

/** The same where threads have just ended: the system lists one a moment longer than others wait for it. */
export async function countThreadsAtRest(): Promise<number> {
  await setTimeout(100);
  return countThreads();
}
