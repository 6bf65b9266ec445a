// What puts the shards of an output together, for `headpool merge` and for a worker of a queue.
import { attemptMerge } from '../../cluster/attempt-merge.js';
import type { Cut } from '../../cluster/cut-file.js';
import { placeOf, requireCut } from '../../cluster/find-cut.js';
import { readFinishedShards, type FinishedShard } from '../../cluster/finished-shards.js';
import { attemptJoin, joinFolder } from '../../cluster/join-folder.js';
import { mergeShards } from '../../cluster/merge.js';
import { mergePortions } from '../../cluster/merged-portions.js';
import type { ShardedOutput } from '../../cluster/shard.js';
import type { Output } from '../outputs/output.js';
import type { mergeOutput } from '../outputs/shard-outputs.js';

interface MergeChoice {
  readonly signal: AbortSignal;
  readonly isRestarting: boolean;
}

/** @throws as `readFinishedShards`, `mergeShards` and `joinFolder` */
export async function mergeOutputOf(
  output: string,
  choice: MergeChoice,
): Promise<Omit<Output<typeof mergeOutput>, 'format'>> {
  const startMs = performance.now();
  const cut = await requireCut(await placeOf(output));
  const shards = await readFinishedShards(cut, output);
  let bytes = 0;
  if (cut.isFolder) {
    await joinFolder(cut, shards, { output, ...choice });
  } else {
    await mergeShards(cut, shards, { output, ...choice, onProgress: (copied) => (bytes += copied) });
  }
  return {
    ...{ output, shards: cut.shards, ...countAll(shards), bytes },
    elapsedMs: performance.now() - startMs,
    merged: !cut.isFolder,
  };
}

/** For a queue: somebody else may be at it all the same. @throws as `attemptMerge` and `attemptJoin` */
export async function mergeByAttempt(cut: Cut, { output }: ShardedOutput, signal: AbortSignal) {
  const shards = await readFinishedShards(cut, output);
  if (cut.isFolder) await attemptJoin(cut, shards, output);
  else await attemptMerge(cut, shards, { output, signal, onProgress: () => undefined });
  return countAll(shards);
}

function countAll(shards: readonly FinishedShard[]) {
  const total = { sequences: 0, tokens: 0, skipped: 0 };
  for (const { record } of mergePortions(shards)) {
    total.sequences += record.lengths.length;
    for (const length of record.lengths) total.tokens += length;
    total.skipped += record.failures.length;
  }
  return total;
}
