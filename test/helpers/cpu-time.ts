// A bound of work that holds on a busy machine too: by what this process has computed, not by the clock.
import type { ExecutionContext } from 'ava';

/** More than ten times what hostile input usually costs to refuse; what it could make of a wrong program are hours. */
const usualBoundMs = 5000;

/**
 * What `action` gives or throws, after less than `mostMs` of CPU time: of all threads of this process, and so of other
 * tests of the same file that run at the same time.
 */
export async function soon<T>(
  t: ExecutionContext,
  action: () => T | Promise<T>,
  what = t.title,
  mostMs = usualBoundMs,
): Promise<T> {
  const before = process.cpuUsage();
  try {
    return await action();
  } finally {
    const { user, system } = process.cpuUsage(before);
    const ms = (user + system) / 1000;
    t.true(ms < mostMs, `${what} took ${ms} ms of CPU time`);
  }
}
