// headpool run --shard: one shard of a run, beside others on other machines. The first of them cuts the run.
import { formatShard, type Shard } from '../../cluster/shard.js';
import type { Settings } from '../../config/schemas.js';
import { openCut } from './open-cut.js';
import type { RunReport } from '../outputs/run-output.js';
import { startLike } from './shard-engine.js';
import { ShardRunner } from './shard-runner.js';

interface ShardRun {
  readonly shard: Shard;
  readonly configPath: string | undefined;
  readonly signal: AbortSignal;
}

/** @throws HandedBack where this machine can't compute as the other shards do; else as a run */
export async function runShard(settings: Settings<'run'>, run: ShardRun): Promise<RunReport> {
  const { shard, configPath, signal } = run;
  const { engine, ...cut } = await openCut(settings, { shards: shard.count, configPath, signal });
  const like = await startLike(settings, cut.cut.engine, { engine, shard: formatShard(shard) });
  await using runner = new ShardRunner(settings, { ...cut, configPath, engine: like });
  return await runner.compute(shard, { signal });
}
