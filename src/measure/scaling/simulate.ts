// A discrete simulation of a planned call: workers take units in order, as the real ones do, and wait for each other at
// the end of every phase. It knows units by what they cost and nothing of what they are.

/** Costs of the units of one phase, in the order in which they are taken. */
export interface UnitCosts {
  readonly unitMs: ArrayLike<number>;
}

export interface SimulatedCall {
  /** From the start of each phase to the end of its last unit. */
  readonly phaseMs: readonly number[];
  readonly totalMs: number;
  /** Mean share of the workers' time in which they had no unit, 0 … 1. */
  readonly waitShare: number;
}

export function simulate(phases: readonly UnitCosts[], workers: number): SimulatedCall {
  let busyMs = 0;
  const phaseMs = phases.map(({ unitMs }) => {
    // When each worker is free, the earliest first: a heap, since there may be thousands.
    const ends = new Float64Array(workers);
    for (let unit = 0; unit < unitMs.length; unit++) {
      const cost = unitMs[unit]!;
      busyMs += cost;
      replaceFirst(ends, ends[0]! + cost);
    }
    return ends.reduce((a, b) => Math.max(a, b), 0);
  });
  const totalMs = phaseMs.reduce((a, b) => a + b, 0);
  // Of one worker the difference is rounding.
  const waitShare = totalMs > 0 && workers > 1 ? Math.max(0, 1 - busyMs / (workers * totalMs)) : 0;
  return { phaseMs, totalMs, waitShare };
}

/** Puts a later time in the place of the first one, and lets it sink below all that are earlier. */
function replaceFirst(heap: Float64Array, value: number): void {
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= value) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = value;
}
