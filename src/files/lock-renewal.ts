// Signs of life of locks, for who can't ask whether the process of another host lives. Its time is that of the file, which
// the holder's clock gives: where clocks differ, a lock may be taken from a live process, which then finds so and stops.
import { stat, utimes } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { unlessMissing } from './attempt.js';

const renewMs = 10_000;
/** A process that gives no sign for so long may be asleep, but hardly at work. */
const abandonedMs = 90_000;
const pollMs = 1000;

/** Gives a sign every ten seconds while `isHeld` says so, until it is stopped. It keeps no process alive. */
export function keepRenewing(target: string, isHeld: () => Promise<boolean>): { stop(): void } {
  const renew = async (): Promise<void> => {
    const now = new Date();
    if (await isHeld()) await utimes(target, now, now);
  };
  // One sign that is missed changes nothing.
  const timer = setInterval(() => void renew().catch(() => undefined), renewMs).unref();
  return {
    stop: () => {
      clearInterval(timer);
    },
  };
}

/** Waits until the lock has given no sign for long, or gives one, or has gone. Resolves to whether it is abandoned. */
export async function isAbandoned(target: string): Promise<boolean> {
  const first = await readSign(target);
  if (first === undefined) return false;
  const endMs = performance.now() + first + abandonedMs - Date.now();
  for (;;) {
    const sign = await readSign(target);
    if (sign !== first) return false;
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) return true;
    await sleep(Math.min(pollMs, leftMs));
  }
}

/** When the last one was, in milliseconds since 1970; undefined if the lock has gone. */
async function readSign(target: string): Promise<number | undefined> {
  return (await unlessMissing(stat(target)))?.mtimeMs;
}
