// Forgets the shards of a run: what lies beside its output for them. The output itself stays.
import { HeadpoolError } from '../core/errors.js';
import { nameHolder } from '../files/lock-holder.js';
import { partialPathOf } from '../runs/target.js';
import { removeFiles } from '../files/remove-files.js';
import { findAttempts } from './attempt.js';
import type { Cut } from './cut-file.js';
import {
  cutPathOf,
  formatShard,
  mergeWorkOf,
  runPathOf,
  shardPathsOf,
  shardWorkOf,
  type ShardedOutput,
} from './shard.js';
import { readShardStates } from './shard-states.js';

/** Resolves to how many files there were. @throws OUTPUT_IN_USE naming a shard that is under way; FILE_FAILED */
export async function removeShards(cut: Cut, place: ShardedOutput): Promise<number> {
  for (const { shard, state, holder } of await readShardStates(cut, place.output)) {
    if (state !== 'under way') continue;
    throw new HeadpoolError(
      'OUTPUT_IN_USE',
      `${place.output}: shard ${formatShard(shard)} is under way: ${nameHolder(holder!)}`,
    );
  }
  let removed = 0;
  for (const index of cut.parts.keys()) {
    const shard = { number: index + 1, count: cut.shards };
    const { part, statistics, manifest, failure } = shardPathsOf(place, shard);
    const attempts = await findAttempts(shardWorkOf(place, shard));
    const partial = [{}, ...attempts].flatMap((by) => {
      return [part, statistics].map((path) => partialPathOf(path, by));
    });
    removed += await removeFiles([part, statistics, ...partial, manifest, failure]);
    // From the last one on: claims are found by counting.
    for (const own of attempts) removed += await removeFiles([own.manifest, own.lock, own.claim]);
  }
  for (const own of await findAttempts(mergeWorkOf(place))) {
    const partial = place.isFolder ? [] : [partialPathOf(place.output, own)];
    removed += await removeFiles([...partial, own.manifest, own.lock, own.claim]);
  }
  // Last, so that a process that ends here leaves the next one something to begin with.
  return removed + (await removeFiles([runPathOf(place), cutPathOf(place)]));
}
