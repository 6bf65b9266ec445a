// Computes a sample of a run's shards in rounds: some by one process after another, then others by two at once, in turn, so
// that a machine that gets slower meanwhile does so for both.
import { expected } from '../../core/errors.js';
import type { MeasuredRound, MeasuredShards } from '../../measure/machines/check-prediction.js';
import type { MeasuredShard } from '../../measure/machines/draw-costs.js';
import { spreadEvenly } from '../../measure/machines/spread-evenly.js';
import type { ProgressListener } from '../../measure/progress.js';
import { formatDuration } from '../../page/figures.js';
import type { Sample } from './sample.js';
import { timeShard, type ShardProcess } from './shard-process.js';

/** Shards of a round, by one process and by two. */
const [aloneCount, togetherCount] = [2, 4];
const [leastRounds, mostRounds] = [2, 6];
/** How long a round is, in shards, if two at once are half as slow again. */
const roundLength = aloneCount + (togetherCount / 2) * 1.5;
/** The first shard only tells how long one is: programs and weights are read from the disk then. */
const leastLength = 1 + leastRounds * roundLength;

export interface Measuring extends ShardProcess {
  readonly seconds: number;
  /** Counts shards. */
  readonly onProgress: ProgressListener;
}

/** @throws INVALID_OPTION if there are too few shards or too little time; as `timeShard` */
export async function measureShards(
  sample: Sample,
  { seconds, onProgress, ...how }: Measuring,
): Promise<MeasuredRound[]> {
  const { works } = sample;
  const row = spreadEvenly(findFilled(sample));
  const firstMs = await timeFirst(sample, take(row, 1)[0]!, { ...how, seconds });
  const rounds = Math.floor((seconds * 1e3 - firstMs) / (roundLength * firstMs));
  if (rounds < leastRounds) throw tooLittle(sample, seconds, formatDuration(firstMs));
  const count = Math.min(rounds, mostRounds);
  const of = 1 + count * (aloneCount + togetherCount);
  let done = 1;
  const compute = async (index: number, signal: AbortSignal): Promise<MeasuredShard> => {
    onProgress({ done, of, name: `shard ${index + 1}`, msLeft: undefined });
    const { wallMs, computeMs } = await timeShard(sample, index + 1, { ...how, signal });
    done++;
    return { flop: works[index]!.flop, startMs: wallMs - computeMs, computeMs };
  };
  const measured: MeasuredRound[] = [];
  while (measured.length < count) {
    measured.push({
      alone: await takeAll(take(row, aloneCount), 1, { compute, signal: how.signal }),
      together: await takeAll(take(row, togetherCount), 2, { compute, signal: how.signal }),
    });
  }
  return measured;
}

/** Two processes must not have the same shard. @throws INVALID_OPTION if there are too few */
function findFilled({ works, configPath }: Sample): number[] {
  const filled = [...works.keys()].filter((index) => works[index]!.tokens > 0);
  if (filled.length >= togetherCount) return filled;
  const what = `a run that can be cut into ${togetherCount} shards or more, and not ${filled.length},`;
  throw expected('INVALID_OPTION', what, 'run', configPath);
}

async function timeFirst(
  sample: Sample,
  index: number,
  { seconds, signal, ...how }: Omit<Measuring, 'onProgress'>,
): Promise<number> {
  const limit = AbortSignal.timeout(seconds * 1e3);
  try {
    const either = AbortSignal.any([signal, limit]);
    return (await timeShard(sample, index + 1, { ...how, signal: either })).wallMs;
  } catch (error) {
    throw limit.aborted && !signal.aborted ? tooLittle(sample, seconds, 'longer than that') : error;
  }
}

function tooLittle({ cut }: Sample, seconds: number, duration: string): Error {
  const shorter = `more than ${cut.shards} \`--shards\` are shorter`;
  const what = `time for ${leastLength} shards, one of which takes ${duration} (${shorter}),`;
  return expected('INVALID_OPTION', what, 'seconds', seconds);
}

function take<T>(row: Iterator<T, never>, count: number): T[] {
  return Array.from({ length: count }, () => row.next().value);
}

interface Taking {
  readonly compute: (index: number, signal: AbortSignal) => Promise<MeasuredShard>;
  readonly signal: AbortSignal;
}

/** Each process takes the next one when it has done one. Where one fails, the other is ended. */
async function takeAll(
  indices: readonly number[],
  processes: number,
  { compute, signal }: Taking,
): Promise<MeasuredShards> {
  const failing = new AbortController();
  const either = AbortSignal.any([signal, failing.signal]);
  const shards: MeasuredShard[] = [];
  const left = indices.values();
  const work = async (): Promise<void> => {
    try {
      for (const index of left) shards.push(await compute(index, either));
    } catch (error) {
      failing.abort(error);
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: processes }, work));
  failing.signal.throwIfAborted();
  return { shards, elapsedMs: performance.now() - startMs };
}
