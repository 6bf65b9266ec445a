// The threads of this process, as Linux lists them.
import { readdirSync } from 'node:fs';

export const threadsProblem =
  process.platform === 'linux' ? undefined : 'only Linux lists the threads of a process';

export const countThreads = (): number => readdirSync('/proc/self/task').length;
