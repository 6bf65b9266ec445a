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
    const ends = new Float64Array(workers);
    for (let unit = 0; unit < unitMs.length; unit++) {
      const cost = unitMs[unit]!;
      busyMs += cost;
      // The worker that is free first takes it.
      let free = 0;
      for (let worker = 1; worker < workers; worker++) if (ends[worker]! < ends[free]!) free = worker;
      ends[free]! += cost;
    }
    return ends.reduce((a, b) => Math.max(a, b), 0);
  });
  const totalMs = phaseMs.reduce((a, b) => a + b, 0);
  // Of one worker the difference is rounding.
  const waitShare = totalMs > 0 && workers > 1 ? Math.max(0, 1 - busyMs / (workers * totalMs)) : 0;
  return { phaseMs, totalMs, waitShare };
}
