// Memory and threads of this process while it works, window by window.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectGarbage } from '../../src/measure/grid/lab.js';
import { median } from '../../src/measure/statistics.js';
import type { Window } from './record.js';

const sampleMs = 100;

export interface WatchOptions {
  readonly seconds: number;
  readonly windowSeconds: number;
  /** Whether callers rest at the end of each window, to see what is still held then. */
  readonly hasRests: boolean;
}

/** What is watched. */
export interface Watched {
  /** What there was so far. */
  count(): Pick<Window, 'calls' | 'aborted' | 'kills'>;
  /** Runs `action` while no call is open. */
  rest(action: () => void): Promise<void>;
}

/** Windows of so many seconds each, as many as fit. */
export async function watch(options: WatchOptions, watched: Watched): Promise<Window[]> {
  const { seconds, windowSeconds, hasRests } = options;
  const windows: Window[] = [];
  const startMs = performance.now();
  while (windows.length < Math.floor(seconds / windowSeconds)) {
    const endMs = performance.now() + windowSeconds * 1000;
    const before = watched.count();
    const threads: number[] = [];
    let leastBytes = Infinity;
    do {
      await sleep(sampleMs);
      leastBytes = Math.min(leastBytes, process.memoryUsage.rss());
      threads.push(...countThreads());
    } while (performance.now() < endMs);
    let heldBytes: number | null = null;
    if (hasRests)
      await watched.rest(() => {
        heldBytes = countHeldBytes();
      });
    const after = watched.count();
    windows.push({
      endSeconds: Math.round((performance.now() - startMs) / 1000),
      calls: after.calls - before.calls,
      aborted: after.aborted - before.aborted,
      kills: after.kills - before.kills,
      leastBytes,
      heldBytes,
      threads: threads.length === 0 ? null : Math.round(median(threads)),
    });
  }
  return windows;
}

/** What JavaScript holds, shared memory with it. */
function countHeldBytes(): number {
  // The second waits until the first has freed what it found.
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** One number, or none where the system doesn't tell. */
function countThreads(): number[] {
  if (process.platform !== 'linux') return [];
  return [Number(/^Threads:\s*(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1])];
}
