// The prediction held against what was measured. No round is predicted from itself: each time another one is drawn, and
// its shards alone, since a machine that was slow for one of them mostly was for all. Pure.
import { simulate } from '../scaling/simulate.js';
import { mean, type Interval } from '../statistics.js';
import { costOf, drawCosts, drawOne, fitCosts, type MeasuredShard } from './draw-costs.js';
import { repeat, summarizeEnds } from './predict-run.js';

/** Shards that so many processes took from one row, until none was left. */
export interface MeasuredShards {
  readonly shards: readonly MeasuredShard[];
  readonly elapsedMs: number;
}

/** By one process, and then others by two at once. */
export interface MeasuredRound {
  readonly alone: MeasuredShards;
  readonly together: MeasuredShards;
}

export interface Check {
  readonly processes: number;
  readonly shards: number;
  readonly measuredMs: number;
  readonly predictedMs: number;
  readonly interval: Interval;
  /** predicted / measured - 1 */
  readonly difference: number;
}

/** @param rounds at least two */
export function checkPrediction(rounds: readonly MeasuredRound[], side: keyof MeasuredRound): Check {
  const processes = { alone: 1, together: 2 }[side];
  const measured = rounds.map((round) => round[side]);
  const parts = measured.map(({ shards }, round) => ({
    flop: shards.map(({ flop }) => flop),
    others: measured.filter((_, other) => other !== round),
  }));
  const shards = measured.reduce((sum, part) => sum + part.shards.length, 0);
  const ends = repeat(shards, (random) =>
    parts.reduce((sum, { flop, others }) => {
      const unitMs = drawCosts(flop, drawOne(others, random).shards, random);
      return sum + simulate([{ unitMs }], processes).totalMs;
    }, 0),
  );
  const { ms: predictedMs, interval } = summarizeEnds(ends);
  const measuredMs = measured.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
  const difference = predictedMs / measuredMs - 1;
  return { processes, shards, measuredMs, predictedMs, interval, difference };
}

/** How many times longer a shard takes where two processes share the machine. */
export function slowdownOf(rounds: readonly MeasuredRound[]): number {
  const [alone, together] = [shardsOf(rounds, 'alone'), shardsOf(rounds, 'together')];
  const flop = mean(alone.map((shard) => shard.flop));
  return costOf(fitCosts(together), flop) / costOf(fitCosts(alone), flop);
}

/** Of all rounds. */
export function shardsOf(rounds: readonly MeasuredRound[], side: keyof MeasuredRound): MeasuredShard[] {
  return rounds.flatMap((round) => round[side].shards);
}
