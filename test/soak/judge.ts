// Whether a soak was well: a pure function of its record.
import { countEnded, type SoakRecord, type Window } from './record.js';

export interface SoakBars {
  /** By which share the least resident memory of a window may lie above that of the first ones, once it has settled. */
  readonly mostGrowth: number;
  /** The same of what JavaScript holds while callers rest. */
  readonly mostHeldGrowth: number;
}

/** Until caches, compiled code and the allocator's free lists have their size. */
const settlingWindows = 2;
/** Those behind them, of which the highest is what others are compared with. */
const firstWindows = 3;

/** What is wrong, a line each; nothing where all is well. */
export function findProblems(record: SoakRecord, bars: SoakBars): string[] {
  return [...judgeCalls(record), ...judgeMemory(record.windows, bars), ...judgeThreads(record.windows)];
}

function judgeCalls({ calls, complaints, engine }: SoakRecord): string[] {
  const { made, right, wrong, aborted, lost, failed } = calls;
  const open = made - countEnded(calls);
  const counts = [
    { is: engine.completed, what: 'completed', wanted: right + wrong },
    { is: engine.failed, what: 'failed', wanted: lost + failed },
    { is: engine.cancelled, what: 'cancelled', wanted: aborted },
  ];
  return [
    ...(right === 0 ? ['No call was answered'] : []),
    ...(open === 0 ? [] : [`${open} of ${made} calls never ended`]),
    ...(wrong === 0 ? [] : [`${wrong} of ${made} calls were answered wrongly`]),
    ...(failed === 0 ? [] : [`${failed} of ${made} calls failed`]),
    ...complaints,
    ...counts
      .filter(({ is, wanted }) => is !== wanted)
      .map(({ is, what, wanted }) => `The engine counted ${is} calls as ${what}, their callers ${wanted}`),
    ...(engine.open === 0 ? [] : [`The engine says that ${engine.open} calls are open`]),
    ...(engine.leftBytes === 0 ? [] : [`${engine.leftBytes} bytes of the engine's memory are left in use`]),
  ];
}

function judgeMemory(windows: readonly Window[], { mostGrowth, mostHeldGrowth }: SoakBars): string[] {
  const settled = windows.slice(settlingWindows);
  if (settled.length <= firstWindows) return [`${windows.length} windows are too few to judge the memory by`];
  return [
    ...judgeGrowth(
      'The least resident memory',
      settled.map(({ leastBytes }) => leastBytes),
      mostGrowth,
    ),
    ...judgeGrowth(
      'What callers at rest left',
      settled.flatMap(({ heldBytes }) => heldBytes ?? []),
      mostHeldGrowth,
    ),
  ];
}

/** How much a later window has more than the first ones at most. */
function judgeGrowth(what: string, bytes: readonly number[], mostGrowth: number): string[] {
  const [first, last] = [bytes.slice(0, firstWindows), bytes.slice(firstWindows)].map((some) =>
    Math.max(...some),
  ) as [number, number];
  const growth = last / first - 1;
  if (bytes.length === 0 || growth <= mostGrowth) return [];
  const [from, to] = [first, last].map((most) => (most / 1e6).toFixed(1)) as [string, string];
  const [share, bar] = [growth, mostGrowth].map((part) => (100 * part).toFixed(1)) as [string, string];
  return [`${what} of a window grew from ${from} to ${to} MB: ${share} %, where ${bar} % may be`];
}

function judgeThreads(windows: readonly Window[]): string[] {
  const counts = new Set(windows.map(({ threads }) => threads));
  return counts.size === 1 ? [] : [`The number of threads changed: ${[...counts].join(', ')}`];
}
