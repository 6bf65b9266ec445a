// One job of a queue, from what it says to what becomes of it: done, failed, or back for somebody else.
import { hostname } from 'node:os';
import { parseJob, type JobData } from '../../cluster/queue/job.js';
import { JobCancelled, JobLost, type JobResult, type TakenJob } from '../../cluster/queue/run-queue.js';
import { HeadpoolError, type ErrorCode } from '../../core/errors.js';
import { formatCount, formatDuration } from '../../page/figures.js';
import { HandedBack } from '../shards/handed-back.js';
import type { JobWork } from './job-work.js';
import type { QueuedRuns } from './queued-runs.js';

/** `given back` and `lost` jobs are for others to do. */
export type Outcome = 'shard' | 'merge' | 'failed' | 'given back' | 'lost' | 'cancelled';

export interface Workshop {
  readonly runs: QueuedRuns;
  readonly work: JobWork;
  /** Aborts when the worker is to end. */
  readonly stop: AbortSignal;
  readonly onNote: (text: string) => void;
}

export interface Done {
  readonly outcome: Outcome;
  /** Of a job that was done. */
  readonly computed?: Computed;
}

interface Computed extends JobResult {
  /** Without what the queue takes. */
  readonly computingMs: number;
}

export async function doJob(job: TakenJob, shop: Workshop): Promise<Done> {
  let data: JobData;
  try {
    data = parseJob(job.name, job.data);
  } catch (error) {
    return failJob(job, shop, { error: error as Error, title: 'a job that is none of ours' });
  }
  const title = titleOf(data);
  if (data.cancelled) {
    await job.drop();
    return { outcome: 'cancelled' };
  }
  let computed: Computed;
  try {
    computed = await compute(job, data, shop);
  } catch (error) {
    return settle(job, shop, { error: error as Error, title });
  }
  const { computingMs, ...result } = computed;
  await job.complete(result);
  shop.onNote(`${title}: ${formatCount(result.tokens)} tokens in ${formatDuration(computingMs)}`);
  return { outcome: data.shard === undefined ? 'merge' : 'shard', computed };
}

function titleOf({ output, shard, shards }: JobData): string {
  return shard === undefined ? `merge of ${output}` : `shard ${shard}/${shards} of ${output}`;
}

async function compute(job: TakenJob, data: JobData, { runs, work, stop }: Workshop): Promise<Computed> {
  const signal = AbortSignal.any([stop, job.signal]);
  const onProgress = reportTo(job);
  const files = await runs.open(data);
  const startMs = performance.now();
  const { sequences, tokens } =
    data.shard === undefined
      ? await work.merge(files, { signal, onProgress })
      : await work.computeShard(files, data.shard, { signal, onProgress });
  return { sequences, tokens, computingMs: performance.now() - startMs };
}

/** Others see from the first moment who is at it. */
function reportTo(job: TakenJob): (done: JobResult) => void {
  const startMs = performance.now();
  const total = { sequences: 0, tokens: 0 };
  const report = (): void => {
    const tokensPerSecond = (total.tokens / Math.max(performance.now() - startMs, 1)) * 1e3;
    job.report({ host: hostname(), pid: process.pid, ...total, tokensPerSecond });
  };
  report();
  return ({ sequences, tokens }) => {
    total.sequences += sequences;
    total.tokens += tokens;
    report();
  };
}

interface Trouble {
  readonly error: Error;
  readonly title: string;
}

/** For a machine that can do it, or for when who is at it has ended. */
const laterMs = 15_000;

async function settle(job: TakenJob, shop: Workshop, { error, title }: Trouble): Promise<Done> {
  const reason: unknown = job.signal.reason;
  if (reason instanceof JobLost) {
    shop.onNote(
      `${title}: its lock has ended, and another worker may be at it: nothing more is recorded here`,
    );
    return { outcome: 'lost' };
  }
  if (reason instanceof JobCancelled) {
    await job.drop();
    shop.onNote(`${title}: cancelled`);
    return { outcome: 'cancelled' };
  }
  const isStopped = shop.stop.aborted;
  if (isStopped || isForOthers(error)) {
    await job.giveBack(isStopped ? 0 : laterMs);
    shop.onNote(`${title}: given back${isStopped ? '' : `: ${error.message}`}`);
    return { outcome: 'given back' };
  }
  return failJob(job, shop, { error, title });
}

function isForOthers(error: Error): boolean {
  return error instanceof HandedBack || (error instanceof HeadpoolError && error.code === 'OUTPUT_IN_USE');
}

/** Trying again comes to the same. */
const finalCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INVALID_OPTION',
  'UNKNOWN_OPTION',
  'INVALID_SHAPE',
  'INVALID_WEIGHTS',
  'INVALID_CONFIG',
  'INVALID_FILE',
]);

async function failJob(job: TakenJob, { onNote }: Workshop, { error, title }: Trouble): Promise<Done> {
  const isFinal = error instanceof HeadpoolError && finalCodes.has(error.code);
  await job.fail(error, isFinal);
  onNote(`${title}: failed: ${error.message}`);
  return { outcome: 'failed' };
}
