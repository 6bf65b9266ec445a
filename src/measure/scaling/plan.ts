// What an experiment measures and what it takes, said before it starts: which numbers of workers are measured and which
// only simulated, and time and memory, of which more than is allowed is refused with what to cut.
import { HeadpoolError } from '../../core/errors.js';
import { largestOf } from '../../core/lists.js';
import { outsideBytes, planCase } from '../cases/plan.js';
import { peakSampleMs } from './machine-costs.js';
import type { ScalingWork } from './results.js';
import { shapeOf } from './work.js';

export interface WorkerCounts {
  /** Ascending, 1 among them. */
  readonly measured: readonly number[];
  /** Ascending, those measured among them: what is predicted of these is checked. */
  readonly predicted: readonly number[];
  /** Asked for, but more than the machine has processors: predicted instead. */
  readonly beyond: readonly number[];
}

// How far curves go where nobody says.
const mostPredicted = 64;

export interface AskedWorkers {
  /** Default: 1 … `parallelism`. */
  readonly workers?: readonly number[] | undefined;
  /** Default: 2, 4, 8 … times the most measured, up to 64. */
  readonly predict?: readonly number[] | undefined;
}

/** @param parallelism processors that this process may use */
export function countWorkers({ workers, predict }: AskedWorkers, parallelism: number): WorkerCounts {
  const asked = workers ?? Array.from({ length: parallelism }, (_, n) => n + 1);
  const measured = ascending([1, ...asked.filter((count) => count <= parallelism)]);
  const beyond = ascending(asked.filter((count) => count > parallelism));
  const further = predict ?? doublings(measured.at(-1)!);
  return { measured, predicted: ascending([...measured, ...beyond, ...further]), beyond };
}

function doublings(most: number): number[] {
  const counts: number[] = [];
  for (let count = 2 * most; count <= mostPredicted; count *= 2) counts.push(count);
  return counts;
}

function ascending(counts: readonly number[]): number[] {
  return [...new Set(counts)].sort((a, b) => a - b);
}

/** What decides how long an experiment takes. */
export interface Extent {
  readonly kinds: number;
  readonly axes: number;
  /** Measured numbers of workers, each a point of every curve. */
  readonly workers: readonly number[];
  readonly seconds: number;
  readonly callMs: number;
}

// Opening an engine and its layers, drawing weights, checking rows.
const openMs = 500;
// The peak and tiny calls of one number of workers.
const machineCostsMs = 400;
// A pair is four calls and two peaks, with pauses; five are made at least.
const callsOfPair = 4;
const leastPairs = 5;
const pausesMs = 25;

export function estimateMs(extent: Extent): number {
  return machineCostsMs * largestOf(extent.workers) + countPoints(extent) * pointMs(extent);
}

/** The one worker is the same in every kind. */
export function countPoints({ kinds, axes, workers }: Omit<Extent, 'seconds' | 'callMs'>): number {
  return axes * (1 + kinds * (workers.length - 1));
}

export function pointMs({ seconds, callMs }: Pick<Extent, 'seconds' | 'callMs'>): number {
  const pairMs = callsOfPair * callMs + 2 * peakSampleMs + pausesMs;
  return openMs + Math.max(seconds * 1e3, leastPairs * pairMs);
}

/** @throws INVALID_OPTION with the estimate and what to cut */
export function refuseOverTime(extent: Extent, maxMinutes: number): void {
  const minutes = estimateMs(extent) / 60_000;
  if (minutes <= maxMinutes) return;
  const { kinds, axes, workers, seconds } = extent;
  throw new HeadpoolError(
    'INVALID_OPTION',
    `Expected an experiment of at most ${maxMinutes} minutes (\`maxMinutes\`), got one of about ` +
      `${minutes < 10 ? minutes.toFixed(1) : minutes.toFixed(0)}: ${kinds * axes} curves of ${workers.length} points of ` +
      `${seconds} s; name fewer \`workers\`, kinds or axes, or lower \`seconds\``,
  );
}

export interface EstimatedBytes {
  /** Of both engines while they compute the works of a point, and of operands and outputs. */
  readonly all: number;
  /** Of the engine that holds both works. */
  readonly largestEngine: number;
}

export function estimateBytes(one: ScalingWork, many: ScalingWork): EstimatedBytes {
  const ofEngine = (work: ScalingWork): number => planCase(shapeOf(work)).engineBytes;
  const outside = outsideBytes(shapeOf(one)) + outsideBytes(shapeOf(many));
  // The larger work runs on the engine of one worker too, to compare its bytes.
  const largestEngine = ofEngine(one) + ofEngine(many);
  return { largestEngine, all: outside + largestEngine + ofEngine(many) };
}

/** @throws MEMORY_LIMIT with the estimate and what to cut */
export function refuseOverMemory(what: string, bytes: number, limitBytes: number): void {
  if (bytes <= limitBytes) return;
  const gibibytes = (value: number): string => (value / 2 ** 30).toFixed(1);
  throw new HeadpoolError(
    'MEMORY_LIMIT',
    `${what} would need about ${gibibytes(bytes)} GiB, over the limit of ${gibibytes(limitBytes)} GiB; ` +
      'lower `ms`, name fewer `workers` or leave the axis or the kind out',
  );
}
