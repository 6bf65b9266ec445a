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
    const ends = new EarliestFirst(workers);
    let lastEnd = 0;
    for (let unit = 0; unit < unitMs.length; unit++) {
      const cost = unitMs[unit]!;
      busyMs += cost;
      lastEnd = Math.max(lastEnd, ends.add(cost));
    }
    return lastEnd;
  });
  const totalMs = phaseMs.reduce((a, b) => a + b, 0);
  // Of one worker the difference is rounding.
  const waitShare = totalMs > 0 && workers > 1 ? Math.max(0, 1 - busyMs / (workers * totalMs)) : 0;
  return { phaseMs, totalMs, waitShare };
}

/** When each worker is free again: a binary heap, the earliest on top. */
class EarliestFirst {
  readonly #ends: Float64Array;

  constructor(workers: number) {
    this.#ends = new Float64Array(workers);
  }

  /** Gives the worker that is free first work of `ms` and returns when it ends. */
  add(ms: number): number {
    const ends = this.#ends;
    const end = ends[0]! + ms;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= ends.length) break;
      if (child + 1 < ends.length && ends[child + 1]! < ends[child]!) child++;
      if (ends[child]! >= end) break;
      ends[at] = ends[child]!;
      at = child;
    }
    ends[at] = end;
    return end;
  }
}
