// Fits of the two laws of scaling to measured speed-ups. Least squares of the relative deviations, fitted / measured - 1,
// so that a point of many workers counts as much as one of two; parameters are never negative.
import type { AmdahlFit, UniversalFit } from './results.js';

/** One measured point. */
export interface SpeedUp {
  readonly workers: number;
  readonly speedUp: number;
}

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

/** How many points, that of one worker among them, a law needs: through fewer it goes whatever they are. */
export const leastPoints = { amdahl: 3, universal: 4 } as const;

/** The serial share, 0 … 1, that fits best; null with too few points. It is contention without coherence. */
export function fitAmdahl(points: readonly SpeedUp[]): AmdahlFit | null {
  if (points.length < leastPoints.amdahl) return null;
  const serial = Math.min(1, fitCosts(points, false)[0]);
  return { serial, deviation: deviation(points, (workers) => amdahlSpeedUp(serial, workers)) };
}

/** Contention and coherence, both >= 0, that fit best; null with too few points. */
export function fitUniversal(points: readonly SpeedUp[]): UniversalFit | null {
  if (points.length < leastPoints.universal) return null;
  const [contention, found] = fitCosts(points, true);
  const coherence = found < leastCoherence ? 0 : found;
  const peakWorkers = coherence === 0 ? null : Math.sqrt(Math.max(0, 1 - contention) / coherence);
  return {
    contention,
    coherence,
    peakWorkers: peakWorkers === null ? null : Math.max(1, peakWorkers),
    deviation: deviation(points, (workers) => universalSpeedUp(contention, coherence, workers)),
  };
}

/**
 * The universal law is linear in n / S(n) - 1 = contention (n - 1) + coherence n (n - 1), which gives the first guess;
 * Gauss-Newton steps with the same bounds lead from there to the least relative deviations.
 */
function fitCosts(points: readonly SpeedUp[], hasCoherence: boolean): readonly [number, number] {
  const costs = points.map(({ workers, speedUp }) => ({
    queueing: workers - 1,
    exchange: hasCoherence ? workers * (workers - 1) : 0,
    slowdown: workers / speedUp,
  }));
  const deviationOf = ([contention, coherence]: readonly [number, number]): number =>
    deviation(points, (workers) => universalSpeedUp(contention, coherence, workers));
  let found = solveNonNegative(
    costs.map(({ queueing, exchange, slowdown }) => [queueing, exchange, slowdown - 1]),
  );
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
  return found;
}

/** Root mean square of fitted / measured - 1. */
function deviation(points: readonly SpeedUp[], fitted: (workers: number) => number): number {
  const squares = points.map(({ workers, speedUp }) => (fitted(workers) / speedUp - 1) ** 2);
  return Math.sqrt(squares.reduce((a, b) => a + b, 0) / points.length);
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

/** a·x + b·y = c */
export type Equation = readonly [a: number, b: number, c: number];

/**
 * x >= 0 and y >= 0 with the least sum of (a·x + b·y - c)², exactly: the minimum lies inside, on one of the two edges or in
 * the corner, and each of them is a formula.
 */
export function solveNonNegative(equations: readonly Equation[]): readonly [number, number] {
  const sum = (term: (equation: Equation) => number): number =>
    equations.reduce((total, equation) => total + term(equation), 0);
  const [aa, ab, bb] = [sum(([a]) => a * a), sum(([a, b]) => a * b), sum(([, b]) => b * b)];
  const [ac, bc] = [sum(([a, , c]) => a * c), sum(([, b, c]) => b * c)];
  const determinant = aa * bb - ab * ab;
  // Columns that are multiples of each other leave a line of solutions, and the edges are on it.
  if (determinant > 1e-12 * aa * bb) {
    const [x, y] = [(ac * bb - bc * ab) / determinant, (bc * aa - ac * ab) / determinant];
    if (x >= 0 && y >= 0) return [x, y];
  }
  const onEdges = [
    [aa > 0 ? Math.max(0, ac / aa) : 0, 0] as const,
    [0, bb > 0 ? Math.max(0, bc / bb) : 0] as const,
  ];
  const [first, second] = onEdges.map(([x, y]) => sum(([a, b, c]) => (a * x + b * y - c) ** 2));
  return first! <= second! ? onEdges[0]! : onEdges[1]!;
}
