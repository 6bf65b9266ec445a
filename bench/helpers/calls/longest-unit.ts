// How long the longest unit of a call takes, by the share of its phase that it is planned as.
import type { EngineStats } from '../../../src/index.js';

export interface PhaseOfUnits {
  readonly name: keyof EngineStats['phaseMs'];
  readonly flop: number;
  readonly unitFlop: ArrayLike<number>;
}

/** @param phaseMs of a call on so many workers, all of which have units for most of the time */
export function longestUnitMs(
  phases: readonly PhaseOfUnits[],
  phaseMs: EngineStats['phaseMs'],
  workers: number,
): number {
  const ofPhases = phases
    .filter(({ flop }) => flop > 0)
    .map(({ name, flop, unitFlop }) => {
      const longest = Array.from(unitFlop).reduce((a, b) => Math.max(a, b), 0);
      return (longest / flop) * (phaseMs[name] ?? 0) * workers;
    });
  return Math.max(...ofPhases);
}
