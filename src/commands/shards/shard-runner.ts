// Computes shards of one run, one after the other: the engine, the weights and what is known of the run stay.
import { adoptEarlier, removeEarlier } from '../../cluster/adopt.js';
import { claimAttempt } from '../../cluster/attempt.js';
import type { PlacedCut } from '../../cluster/find-cut.js';
import { readManifest } from '../../cluster/read-manifest.js';
import { shardPathsOf, shardWorkOf, type Shard } from '../../cluster/shard.js';
import { countDone, noteFailure, type ShardCounts } from '../../cluster/shard-states.js';
import type { Settings } from '../../config/schemas.js';
import { HeadpoolError } from '../../core/errors.js';
import type { Engine } from '../../engine/engine.js';
import type { MultiHeadAttention } from '../../engine/multi-head-attention.js';
import { removeFiles } from '../../files/remove-files.js';
import { askForShard, type SharedSource } from './asked-shard.js';
import type { RunReport } from '../outputs/run-output.js';
import { attentionOf, checkRun, compute, planOf, type Plan } from '../run-work.js';

interface ShardedRun extends PlacedCut {
  /** Computes like all shards of the cut. */
  readonly engine: Engine;
  readonly configPath: string | undefined;
}

export type ShardHooks = Pick<Plan, 'signal' | 'onProgress'>;

export class ShardRunner implements AsyncDisposable {
  readonly #settings: Settings<'run'>;
  readonly #run: ShardedRun;
  #shared: SharedSource | undefined;
  #attention: MultiHeadAttention | undefined;

  /** @param run whose engine is closed with the runner */
  constructor(settings: Settings<'run'>, run: ShardedRun) {
    this.#settings = settings;
    this.#run = run;
  }

  /** Computes a shard as the only one who may: its lock is held. @throws as a run */
  async compute(shard: Shard, hooks: ShardHooks): Promise<RunReport> {
    return this.#noting(shard, hooks, () => this.#compute(shard, hooks));
  }

  /**
   * Computes a shard that a queue gave out, and that somebody else may be at all the same: by an attempt of its own.
   * One that is done already is not computed again.
   * @throws OUTPUT_IN_USE if another attempt begins meanwhile; as a run
   */
  async attempt(shard: Shard, hooks: ShardHooks): Promise<Pick<ShardCounts, 'sequences' | 'tokens'>> {
    const done = await readManifest(shardPathsOf(this.#run.place, shard).manifest);
    if (done?.isComplete === true) return countDone(done);
    return this.#noting(shard, hooks, () => this.#compute(shard, { ...hooks, isOneOfSeveral: true }));
  }

  /** Leaves the reason beside the output if it fails. */
  async #noting(shard: Shard, { signal }: ShardHooks, work: () => Promise<RunReport>): Promise<RunReport> {
    const { failure } = shardPathsOf(this.#run.place, shard);
    await removeFiles([failure]);
    try {
      return await work();
    } catch (error) {
      if (error instanceof Error && !signal.aborted && !isOfOthers(error))
        await noteFailure(failure, error.message);
      throw error;
    }
  }

  async #compute(
    shard: Shard,
    { isOneOfSeveral = false, ...hooks }: ShardHooks & { readonly isOneOfSeveral?: boolean },
  ): Promise<RunReport> {
    const { place, engine } = this.#run;
    const settings = this.#settings;
    const attempt = isOneOfSeveral ? await claimAttempt(shardWorkOf(place, shard)) : undefined;
    const asked = await askForShard(settings, shard, { ...this.#run, attempt, shared: this.#shared });
    const { request, identity } = asked;
    this.#shared = asked.shared;
    const plan = planOf(request, asked.shared.source.layer, settings);
    const sizes = await checkRun(request, plan);
    this.#attention ??= await attentionOf(engine, asked.shared.source.layer);
    if (attempt !== undefined) await adoptEarlier(attempt, request.targets);
    const options = {
      identity,
      // A shard that was begun is gone on with, whoever began it.
      earlier: settings.restart ? 'restart' : 'resume',
      isTakingOver: settings.takeOver,
      ...(attempt && { assertLatest: () => attempt.assertLatest() }),
    } as const;
    const layer = this.#attention;
    const report = await compute(request, settings, { ...plan, sizes, layer, options, engine, ...hooks });
    if (attempt === undefined) return report;
    await attempt.publish();
    await removeEarlier(attempt, request.targets);
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#attention?.dispose();
    await this.#run.engine.close();
  }
}

/** Whether somebody else is at the shard. */
function isOfOthers(error: Error): boolean {
  return error instanceof HeadpoolError && error.code === 'OUTPUT_IN_USE';
}
