// Takes a run out of a queue. What is under way can't be taken from its worker: it is marked, and ends after its chunk.
import type { Job } from 'bullmq';
import { mapAtOnce } from '../../../core/at-once.js';
import { jobIdOf, type JobData } from '../job.js';
import type { Cancelled } from '../run-queue.js';
import { atOnce, type Opened } from './opened.js';

/** Undefined if there is no such run, or all of it is done. */
export async function cancelRun({ queue }: Opened, run: string): Promise<Cancelled | undefined> {
  const merge = (await queue.getJob(jobIdOf(run))) as Job<JobData> | undefined;
  if (merge === undefined || (await merge.isCompleted())) return undefined;
  // First, lest a worker merge when the last shard goes.
  await mark(merge);
  const numbers = Array.from({ length: merge.data.shards }, (_, index) => index + 1);
  const states = await mapAtOnce(numbers, atOnce, async (shard) => {
    const job = (await queue.getJob(jobIdOf(run, shard))) as Job<JobData> | undefined;
    const state = (await job?.getState()) ?? 'unknown';
    if (state === 'active') await mark(job!);
    return state;
  });
  await merge.removeUnprocessedChildren();
  const underWay = states.filter((state) => state === 'active').length;
  const isGone = await removeRun(merge);
  const removed = states.filter((state) => !['active', 'completed', 'unknown'].includes(state)).length;
  return { removed, underWay: isGone ? 0 : underWay + ((await merge.isActive()) ? 1 : 0) };
}

async function mark(job: Job<JobData>): Promise<void> {
  try {
    await job.updateData({ ...job.data, cancelled: true });
  } catch (error) {
    // It may have ended meanwhile.
    if ((await job.getState()) !== 'unknown') throw error;
  }
}

/** Removes all that is left of a run, unless some of it is under way. */
export async function removeRun(merge: Job): Promise<boolean> {
  try {
    await merge.remove({ removeChildren: true });
    return true;
  } catch (error) {
    if (error instanceof Error && /locked/.test(error.message)) return false;
    if ((await merge.getState()) === 'unknown') return true;
    throw error;
  }
}
