// Forgets the shards of a run: what lies beside its output for them. The output itself stays.
import { dirname } from 'node:path';
import { HeadpoolError } from '../core/errors.js';
import { unlessDamaged } from '../files/attempt.js';
import { nameHolder } from '../files/lock-holder.js';
import { removeFiles } from '../files/remove-files.js';
import { targetsOf } from '../runs/earlier-run.js';
import { pathsOf, type RunTarget } from '../runs/request.js';
import { partialPathOf } from '../runs/target.js';
import { findAttempts, type Attempt } from './attempt.js';
import type { Cut } from './cut-file.js';
import { readManifest } from './read-manifest.js';
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
    const partial = place.isFolder
      ? await findPartial([{ manifest }, ...attempts])
      : [{}, ...attempts].flatMap((by) => [part, statistics].map((path) => partialPathOf(path, by)));
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

type Writer = Pick<Attempt, 'manifest'> & Pick<RunTarget, 'draft'>;

/** Partial files of outputs in a folder, which only the manifests of those who wrote them tell. @throws FILE_FAILED */
async function findPartial(writers: readonly Writer[]): Promise<string[]> {
  const manifests = await Promise.all(writers.map(({ manifest }) => unlessDamaged(readManifest(manifest))));
  const told = manifests.flatMap((manifest, n) => {
    return targetsOf(manifest?.run.outputs ?? [], { folder: dirname(writers[n]!.manifest) });
  });
  // An attempt that ended before it had a manifest has the files of another. What is partial without a draft may be a
  // later run's, unless the shard says that it has begun it.
  const [, ...attempts] = writers;
  const by = manifests[0]?.isComplete === false ? writers : attempts;
  return told.flatMap(pathsOf).flatMap((path) => by.map((writer) => partialPathOf(path, writer)));
}
