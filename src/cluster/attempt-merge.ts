// The merge of a run that a queue gives out: somebody else may be at it, or asleep in its midst.
import { exists } from '../files/open-file.js';
import { refuseForgetting } from '../runs/journal.js';
import { removeEarlier } from './adopt.js';
import { claimAttempt } from './attempt.js';
import type { Cut } from './cut-file.js';
import type { FinishedShard } from './finished-shards.js';
import { choiceFor, mergeShards, planMerge, type MergeOptions } from './merge.js';
import { readManifest } from './read-manifest.js';
import { mergeWorkOf } from './shard.js';

/**
 * Merges for a queue, which may give the same merge to somebody else: by an attempt of its own.
 * @throws OUTPUT_IN_USE if another attempt begins meanwhile; as `mergeShards`
 */
export async function attemptMerge(
  cut: Cut,
  shards: readonly FinishedShard[],
  options: Omit<MergeOptions, 'attempt' | 'isRestarting'>,
): Promise<void> {
  const work = mergeWorkOf({ output: options.output, isFolder: false });
  const whole = planMerge(cut, shards, options);
  const isSame = (await choiceFor(whole)) === 'resume';
  const earlier = await readManifest(work.manifest);
  if (isSame && earlier?.isComplete === true && (await exists(options.output))) return;
  if (!isSame) await refuseForgetting(work.manifest);
  const attempt = await claimAttempt(work);
  await mergeShards(cut, shards, { ...options, attempt, isRestarting: true });
  await attempt.publish();
  await removeEarlier(attempt, [whole.target]);
}
