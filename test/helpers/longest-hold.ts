// How long work keeps the event loop from its turns.

/** Ten times what a reader takes between two turns. Of CPU time, which counts the same on a busy machine. */
export const mostHoldMs = 500;

/** The most CPU time that passes between two turns of the event loop while `action` is under way. */
export async function longestHold(action: () => Promise<void>): Promise<number> {
  const watch = { longest: 0, isOn: true };
  let last = process.cpuUsage();
  const look = (): void => {
    const { user, system } = process.cpuUsage(last);
    watch.longest = Math.max(watch.longest, (user + system) / 1000);
    last = process.cpuUsage();
    if (watch.isOn) setImmediate(look);
  };
  setImmediate(look);
  await action();
  await new Promise(setImmediate);
  watch.isOn = false;
  return watch.longest;
}
