// That long work gives the event loop its turns.
import type { ExecutionContext } from 'ava';

/** Ten times what a reader takes between two turns. */
const mostMs = 500;

/**
 * Asserts that little CPU time passes between two turns of the event loop while `action` is under way. CPU time counts
 * the same on a busy machine. No reader can cut what a list of millions takes to grow, nor a pause of the garbage
 * collector, and where memory comes slowly either takes longer. So a third of all of a long action is fine too: one that
 * takes no turns takes all of its time in one piece.
 */
export async function holdsLittle(t: ExecutionContext, action: () => Promise<void>): Promise<void> {
  const { longest, total } = await measureHolds(action);
  t.true(longest < Math.max(mostMs, total / 3), `${longest} of ${total} ms of CPU time between two turns`);
}

/** CPU time in milliseconds: the most between two turns of the event loop, and all. */
async function measureHolds(action: () => Promise<void>): Promise<{ longest: number; total: number }> {
  const holds: number[] = [];
  let isOn = true;
  let last = process.cpuUsage();
  const look = (): void => {
    const { user, system } = process.cpuUsage(last);
    holds.push((user + system) / 1000);
    last = process.cpuUsage();
    if (isOn) setImmediate(look);
  };
  setImmediate(look);
  await action();
  await new Promise(setImmediate);
  isOn = false;
  let [longest, total] = [0, 0];
  for (const ms of holds) [longest, total] = [Math.max(longest, ms), total + ms];
  return { longest, total };
}
