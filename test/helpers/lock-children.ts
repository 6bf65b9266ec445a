// Starts processes that take locks, asks them, and kills them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

const script = fileURLToPath(new URL('lock-child.js', import.meta.url));

export interface LockChild {
  readonly pid: number;
  /** What it answers when told to take the lock: 'held', an error's code, or undefined if it died. */
  take(path: string): Promise<string | undefined>;
  /** Resolves once it is dead and reaped. */
  kill(): Promise<void>;
}

/** A process of its own, which is killed when the test ends at the latest. */
export function startLockChild(
  t: ExecutionContext,
  fault: 'killed-at-rename' | 'without-links' | 'none' = 'none',
): LockChild {
  const child = spawn(process.execPath, [script, fault], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  t.teardown(kill);
  return {
    pid: child.pid!,
    kill,
    take: async (path) => {
      child.stdin.write(`${path}\n`);
      const answer = await answers.next();
      if (answer.done !== true) return answer.value;
      // Its pipes are closed a moment before it is dead.
      await exited;
      return undefined;
    },
  };
}
