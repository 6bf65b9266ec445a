// A run in shards on any number of machines, by simulation: each machine takes the next shard of the cut when it has
// computed one, at costs drawn from those that were measured, many times over. Pure.
import { createRandom, type Random } from '../../core/tensor/random.js';
import { simulate } from '../scaling/simulate.js';
import { median, percentile, type Interval } from '../statistics.js';
import { drawCosts, type MeasuredShard } from './draw-costs.js';

/** What is known of a run before it. */
export interface PlannedRun {
  /** Of each shard, in the order in which they are taken. */
  readonly flop: readonly number[];
  /** Before the first shard, when nobody computes. */
  readonly cutMs: number;
  /** After the last one. */
  readonly mergeMs: number;
}

export interface PredictedRun {
  readonly machines: number;
  readonly ms: number;
  /** Where 90 % of the simulations end. */
  readonly interval: Interval;
  /** Mean share of the machines' time, between cut and merge, without a shard: others have the last ones. */
  readonly waitShare: number;
}

/** Of machines of their own: none slows another one down. */
export function predictRun(
  { flop, cutMs, mergeMs }: PlannedRun,
  measured: readonly MeasuredShard[],
  machines: number,
): PredictedRun {
  const ends = repeat(flop.length, (random) => {
    const { totalMs, waitShare } = simulate([{ unitMs: drawCosts(flop, measured, random) }], machines);
    return { ms: cutMs + totalMs + mergeMs, waitShare };
  });
  const waits = ends.map(({ waitShare }) => waitShare);
  return { machines, ...summarizeEnds(ends.map(({ ms }) => ms)), waitShare: median(waits) };
}

const [leastRepetitions, mostRepetitions] = [40, 400];
/** All repetitions together: the more there are of them, the less one shard matters. */
const mostDrawn = 4e6;

/** The same random numbers each time, so that numbers of machines differ by nothing else. */
export function repeat<T>(shards: number, once: (random: Random) => T): T[] {
  const random = createRandom(20);
  const wanted = Math.floor(mostDrawn / Math.max(1, shards));
  const length = Math.min(mostRepetitions, Math.max(leastRepetitions, wanted));
  return Array.from({ length }, () => once(random));
}

/** The median of simulations, and the middle 90 % of them. */
export function summarizeEnds(ms: readonly number[]): Pick<PredictedRun, 'ms' | 'interval'> {
  return { ms: median(ms), interval: { low: percentile(ms, 0.05), high: percentile(ms, 0.95) } };
}
