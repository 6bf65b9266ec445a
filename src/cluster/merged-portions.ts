// What shards wrote, portion by portion, as one run would have recorded it.
import { isOfInput } from '../runs/chunks.js';
import type { PortionRecord } from '../runs/manifest.js';
import type { FinishedShard } from './finished-shards.js';

export interface MergedPortion {
  /** Of the run; its parts are those that the shard wrote. */
  readonly record: PortionRecord;
  /** Number of the shard among all, from 0. */
  readonly shard: number;
}

/** In the order of the inputs. After what an input failed by as a whole nothing of it follows, as in one run. */
export function* mergePortions(shards: readonly FinishedShard[]): Generator<MergedPortion> {
  const failed = new Set<number>();
  for (const [shard, { inputs, chunks }] of shards.entries()) {
    for (const { portions } of chunks) {
      for (const portion of portions) {
        const { input, range } = inputs[portion.input]!;
        if (failed.has(input)) continue;
        const failures = portion.failures.map((failure) => ({ ...failure, input }));
        const hasFailed = failures.some(isOfInput);
        if (hasFailed) failed.add(input);
        // The end of a range is none of its input.
        const isEnded = portion.isEnded && (hasFailed || (range?.isLast ?? true));
        yield { shard, record: { ...portion, input, failures, isEnded } };
      }
    }
  }
}

/** Whether nothing is written of a run: no input could be opened, or its only one has failed as a whole. */
export function isGivenUp(shards: readonly FinishedShard[], inputs: number): boolean {
  const chunks = shards.flatMap((shard) => shard.chunks);
  const isOpened = chunks.some(({ finished }) => finished.some(({ parts }) => parts !== undefined));
  if (!isOpened || inputs > 1) return !isOpened;
  return chunks.some(({ portions }) => portions.some(({ failures }) => failures.some(isOfInput)));
}
