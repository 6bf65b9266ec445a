// Fits of the two laws of scaling to measured speed-ups. Least squares of the relative deviations, fitted / measured - 1,
// so that a point of many workers counts as much as one of two; parameters are never negative.
import { solveNonNegative, type Equation } from './non-negative.js';
import type { AmdahlFit, UniversalFit } from './results.js';

/** One measured point. */
export interface SpeedUp {
  readonly workers: number;
  readonly speedUp: number;
}

// Where the best serial share is looked for first, by powers of ten below 1 and in steps of a tenth of each.
const leastPower = -6;
const goldenRatio = (Math.sqrt(5) - 1) / 2;
// A coherence below gives no peak before a million workers: rounding, not a cost.
const leastCoherence = 1e-12;

/** The speed-up of `workers` of whose work the share `serial` can't be cut (Amdahl, 1967). */
export function amdahlSpeedUp(serial: number, workers: number): number {
  return 1 / (serial + (1 - serial) / workers);
}

/** The speed-up of `workers` that wait for each other and keep each other informed (Gunther, 1993). */
export function universalSpeedUp(contention: number, coherence: number, workers: number): number {
  return workers / (1 + contention * (workers - 1) + coherence * workers * (workers - 1));
}

/** The serial share, 0 … 1, that fits best; null with fewer than two points. */
export function fitAmdahl(points: readonly SpeedUp[]): AmdahlFit | null {
  if (points.length < 2) return null;
  const deviationOf = (serial: number): number =>
    deviation(points, (workers) => amdahlSpeedUp(serial, workers));
  // The sum may have several valleys; within the best bracket of a fine grid it has one.
  const grid = [0];
  for (let power = leastPower; power < 0; power++)
    for (let digit = 10; digit < 100; digit++) grid.push((digit / 10) * 10 ** power);
  grid.push(1);
  const deviations = grid.map(deviationOf);
  const best = deviations.indexOf(Math.min(...deviations));
  const serial = findLeast(
    deviationOf,
    grid[Math.max(0, best - 1)]!,
    grid[Math.min(grid.length - 1, best + 1)]!,
  );
  // A search inside a bracket never quite reaches its ends, and 0 is what most fits without a serial share want.
  const atGrid = deviations[best]! <= deviationOf(serial);
  return {
    serial: atGrid ? grid[best]! : serial,
    deviation: atGrid ? deviations[best]! : deviationOf(serial),
  };
}

/**
 * Contention and coherence, both >= 0, that fit best; null with fewer than three points. The law is linear in
 * n / S(n) - 1 = contention (n - 1) + coherence n (n - 1), which gives the first guess; Gauss-Newton steps with the same
 * bounds lead from there to the least relative deviations.
 */
export function fitUniversal(points: readonly SpeedUp[]): UniversalFit | null {
  if (points.length < 3) return null;
  const costs = points.map(({ workers, speedUp }) => ({
    queueing: workers - 1,
    exchange: workers * (workers - 1),
    slowdown: workers / speedUp,
  }));
  const linear = costs.map(({ queueing, exchange, slowdown }): Equation => [
    queueing,
    exchange,
    slowdown - 1,
  ]);
  const deviationOf = ([contention, coherence]: readonly [number, number]): number =>
    deviation(points, (workers) => universalSpeedUp(contention, coherence, workers));
  let found = solveNonNegative(linear);
  for (let step = 0; step < 100; step++) {
    const [contention, coherence] = found;
    // slowdown / (1 + b · x) - 1, and its derivatives by b, set to 0 at b + Δ.
    const equations = costs.map(({ queueing, exchange, slowdown }): Equation => {
      const cost = 1 + contention * queueing + coherence * exchange;
      const slope = slowdown / cost ** 2;
      const target = slowdown / cost - 1 + slope * (cost - 1);
      return [slope * queueing, slope * exchange, target];
    });
    const next = halveUntilBetter(found, solveNonNegative(equations), deviationOf);
    if (next === undefined) break;
    found = next;
  }
  const [contention, coherence] = found[1] < leastCoherence ? [found[0], 0] : found;
  const peakWorkers = coherence === 0 ? null : Math.sqrt(Math.max(0, 1 - contention) / coherence);
  return {
    contention,
    coherence,
    peakWorkers: peakWorkers === null ? null : Math.max(1, peakWorkers),
    deviation: deviationOf([contention, coherence]),
  };
}

/** Root mean square of fitted / measured - 1. */
function deviation(points: readonly SpeedUp[], fitted: (workers: number) => number): number {
  const squares = points.map(({ workers, speedUp }) => (fitted(workers) / speedUp - 1) ** 2);
  return Math.sqrt(squares.reduce((a, b) => a + b, 0) / points.length);
}

/** Where `f` is least between two bounds, if it has one valley there (golden-section search; Kiefer, 1953). */
function findLeast(f: (x: number) => number, low: number, high: number): number {
  let [from, to] = [low, high];
  let [left, right] = [to - goldenRatio * (to - from), from + goldenRatio * (to - from)];
  let [atLeft, atRight] = [f(left), f(right)];
  for (let step = 0; step < 80; step++) {
    if (atLeft <= atRight) {
      [to, right, atRight] = [right, left, atLeft];
      left = to - goldenRatio * (to - from);
      atLeft = f(left);
    } else {
      [from, left, atLeft] = [left, right, atRight];
      right = from + goldenRatio * (to - from);
      atRight = f(right);
    }
  }
  return (from + to) / 2;
}

/** The longest of the steps 1, 1/2, 1/4 … towards `to` that makes `f` smaller; undefined if none does. */
function halveUntilBetter(
  from: readonly [number, number],
  to: readonly [number, number],
  f: (at: readonly [number, number]) => number,
): readonly [number, number] | undefined {
  const start = f(from);
  for (let share = 1; share > 1e-6; share /= 2) {
    const at = [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])] as const;
    if (f(at) < start) return at;
  }
  return undefined;
}
