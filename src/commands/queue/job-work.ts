// What a worker does for a job of a queue, whichever queue that is. The engine and the weights of a run stay from one of its
// jobs to the next.
import type { JobResult } from '../../cluster/queue/run-queue.js';
import { cutPathOf, formatShard } from '../../cluster/shard.js';
import { mergeByAttempt } from '../shards/merge-work.js';
import type { QueuedRunFiles } from './queued-runs.js';
import { startLike } from '../shards/shard-engine.js';
import { ShardRunner } from '../shards/shard-runner.js';

export interface JobHooks {
  /** Ends it after the chunk. */
  readonly signal: AbortSignal;
  /** Told of each chunk. */
  readonly onProgress: (done: JobResult) => void;
}

export class JobWork implements AsyncDisposable {
  #files: QueuedRunFiles | undefined;
  #runner: ShardRunner | undefined;

  /** @throws HandedBack where this machine can't compute as the others do; the signal's reason; as a run */
  async computeShard(files: QueuedRunFiles, number: number, hooks: JobHooks): Promise<JobResult> {
    const shard = { number, count: files.cut.shards };
    const runner = await this.#runnerOf(files, formatShard(shard));
    const { sequences, tokens } = await runner.attempt(shard, hooks);
    return { sequences, tokens };
  }

  async merge({ place, cut }: QueuedRunFiles, { signal }: JobHooks): Promise<JobResult> {
    const { sequences, tokens } = await mergeByAttempt(cut, place, signal);
    return { sequences, tokens };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#runner?.[Symbol.asyncDispose]();
  }

  async #runnerOf(files: QueuedRunFiles, shard: string): Promise<ShardRunner> {
    if (this.#runner !== undefined && this.#files === files) return this.#runner;
    await this.#runner?.[Symbol.asyncDispose]();
    this.#runner = undefined;
    const { settings, place, cut } = files;
    const engine = await startLike(settings, cut.engine, { shard });
    this.#files = files;
    this.#runner = new ShardRunner(settings, {
      ...{ place, cut, cutPath: cutPathOf(place), configPath: undefined, engine },
    });
    return this.#runner;
  }
}
