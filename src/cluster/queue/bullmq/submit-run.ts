// Adds the jobs of a run to a queue: one a shard, below one that merges when all are done. Only what is missing is added.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FlowJob, Job, JobsOptions } from 'bullmq';
import { mapAtOnce } from '../../../core/at-once.js';
import { HeadpoolError } from '../../../core/errors.js';
import { jobIdOf, jobOf, type JobData, type QueuedRun } from '../job.js';
import type { Submitted } from '../run-queue.js';
import { atOnce, type Opened } from './opened.js';

const week = 7 * 24 * 3600;

/** A machine that is gone is no failed attempt, so few are enough. */
const howTried: JobsOptions = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 5000 },
  removeOnComplete: { age: week },
  // Stacks tell of the machine, and nobody reads them.
  stackTraceLimit: 0,
};

/** @throws OUTPUT_IN_USE while the run is being cancelled; what BullMQ throws */
export async function submitRun(
  opened: Opened,
  run: QueuedRun,
  isDone: (shard: number) => boolean,
): Promise<Submitted> {
  const { queue } = opened;
  const merge = await findMerge(opened, run);
  const mergeState = merge === undefined ? 'unknown' : await merge.getState();
  const numbers = Array.from({ length: run.shards }, (_, index) => index + 1);
  const states = await mapAtOnce(numbers, atOnce, (shard) => queue.getJobState(jobIdOf(run.run, shard)));
  const shards = numbers.map((shard, index) => ({ shard, state: states[index]! }));
  const stale = shards.filter(({ shard, state }) => state === 'completed' && !isDone(shard));
  const missing = shards.filter(({ shard, state }) => state === 'unknown' && !isDone(shard));
  const failed = shards.filter(({ state }) => state === 'failed');
  const isOver = ['unknown', 'completed', 'failed'].includes(mergeState);
  const isNew = isOver && (mergeState === 'unknown' || stale.length + missing.length + failed.length > 0);
  if (isNew) await merge?.remove({ removeChildren: false });
  await mapAtOnce(stale, atOnce, ({ shard }) => queue.remove(jobIdOf(run.run, shard)));
  if (isNew) await opened.flows.add(flowOf(opened, run));
  else await mapAtOnce([...stale, ...missing], atOnce, ({ shard }) => addChild(opened, run, shard));
  let retried = 0;
  for (const { shard } of failed) if (await retry(await queue.getJob(jobIdOf(run.run, shard)))) retried++;
  if (!isNew && mergeState === 'failed') await retry(merge);
  const added =
    stale.length + (isNew ? states.filter((state) => state === 'unknown').length : missing.length);
  return { added, present: run.shards - added - retried, retried };
}

const pollMs = 250;
const cancelMs = 10_000;

/** The job that merges, once it is sure that nobody is just taking the run out of the queue. */
async function findMerge({ queue }: Opened, { run, output }: QueuedRun): Promise<Job<JobData> | undefined> {
  const endMs = performance.now() + cancelMs;
  for (;;) {
    const merge = await queue.getJob(jobIdOf(run));
    const data = merge?.data as JobData | undefined;
    if (data?.cancelled !== true) return merge;
    if (performance.now() > endMs) {
      throw new HeadpoolError(
        'OUTPUT_IN_USE',
        `${output}: run ${run} is being cancelled, and shards of it are still under way: submit it again when they have ended`,
      );
    }
    await sleep(pollMs);
  }
}

function flowOf({ name: queueName }: Opened, run: QueuedRun): FlowJob {
  return {
    ...{ name: 'merge', queueName, data: jobOf(run), opts: { ...howTried, jobId: jobIdOf(run.run) } },
    children: Array.from({ length: run.shards }, (_, index) => ({
      ...{ name: 'shard', queueName, data: jobOf(run, index + 1) },
      opts: { ...howTried, jobId: jobIdOf(run.run, index + 1) },
    })),
  };
}

/** Of a merge that waits for others already. */
async function addChild({ queue }: Opened, run: QueuedRun, shard: number): Promise<void> {
  const parent = { id: jobIdOf(run.run), queue: queue.qualifiedName };
  await queue.add('shard', jobOf(run, shard), { ...howTried, jobId: jobIdOf(run.run, shard), parent });
}

/** Whether it had failed, and nobody else has had it tried again meanwhile. */
async function retry(job: Job | undefined): Promise<boolean> {
  try {
    await job?.retry('failed', { resetAttemptsMade: true });
    return job !== undefined;
  } catch (error) {
    if (await job?.isFailed()) throw error;
    return false;
  }
}
