// What shards that nobody has computed will cost, by those that were measured. Pure.
import type { Random } from '../../core/tensor/random.js';
import { mean } from '../statistics.js';

/** What a shard that was computed took. */
export interface MeasuredShard {
  readonly flop: number;
  /** Whatever there is to do: its process starts, reads weights, ends. */
  readonly startMs: number;
  readonly computeMs: number;
}

/** What shards take in the mean. */
export interface CostLaw {
  readonly startMs: number;
  readonly msPerFlop: number;
}

/** Sums over sums: of the smallest shards time and work say little of one another. */
export function fitCosts(measured: readonly MeasuredShard[]): CostLaw {
  return {
    startMs: mean(measured.map(({ startMs }) => startMs)),
    msPerFlop: mean(measured.map(({ computeMs }) => computeMs)) / mean(measured.map(({ flop }) => flop)),
  };
}

/** Of a shard with so much work. */
export function costOf({ startMs, msPerFlop }: CostLaw, flop: number): number {
  return startMs + msPerFlop * flop;
}

/**
 * Milliseconds of shards with so much work. Each is as much slower or faster than the law as one of those that were
 * measured. These are few, and may have been slower or faster than most: so other ones are drawn of them each time, and
 * the law is theirs (the bootstrap; Efron, 1979).
 */
export function drawCosts(
  flop: readonly number[],
  measured: readonly MeasuredShard[],
  random: Random,
): Float64Array {
  const drawn = measured.map(() => drawOne(measured, random));
  const law = fitCosts(drawn);
  const deviations = drawn.map((shard) => (shard.startMs + shard.computeMs) / costOf(law, shard.flop));
  // The law has the mean of all shards; small ones, which hardly matter to it, may deviate more.
  const usual = mean(deviations);
  return Float64Array.from(flop, (work) => (costOf(law, work) * drawOne(deviations, random)) / usual);
}

export function drawOne<T>(list: readonly T[], random: Random): T {
  return list[Math.floor(random.uniform() * list.length)]!;
}
