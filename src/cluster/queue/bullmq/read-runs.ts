// Where the runs of a queue stand. Jobs are counted by their ids; only those of merges, of what is under way and of what
// failed are read.
import type { Job, JobType, Queue } from 'bullmq';
import { mapAtOnce } from '../../../core/at-once.js';
import { jobIdOf, parseJobId, type JobData } from '../job.js';
import type { JobFailure, JobProgress, JobResult, QueuedRunState } from '../run-queue.js';
import { atOnce, type Opened } from './opened.js';

/** In the order in which jobs go: one that moves on while we look is seen, at the latest where it went. */
const states = [
  'waiting-children',
  'delayed',
  'waiting',
  'active',
  'failed',
  'completed',
] as const satisfies JobType[];
type State = (typeof states)[number];

/** The last state that each shard's job was seen in. */
type ShardStates = Map<number, State>;

export async function readRuns({ queue }: Pick<Opened, 'queue'>): Promise<QueuedRunState[]> {
  const runs = new Map<string, ShardStates>();
  for (const state of states) {
    for (const id of await queue.getRanges([state], 0, -1)) {
      const parsed = parseJobId(id);
      if (parsed === undefined) continue;
      const shards: ShardStates = runs.get(parsed.run) ?? new Map<number, State>();
      runs.set(parsed.run, shards);
      if (parsed.shard !== undefined) shards.set(parsed.shard, state);
    }
  }
  const found: { readonly state: QueuedRunState; readonly since: number }[] = [];
  for (const [run, shards] of runs) {
    const merge = (await queue.getJob(jobIdOf(run))) as Job<JobData> | undefined;
    const mergeState = await merge?.getState();
    // Removed while we were looking, or not added whole yet.
    if (merge === undefined || !isState(mergeState)) continue;
    const state = await readRun(queue, merge, { shards, state: mergeState });
    found.push({ state, since: merge.timestamp });
  }
  return found.sort((a, b) => a.since - b.since).map(({ state }) => state);
}

function isState(state: string | undefined): state is State {
  return (states as readonly (string | undefined)[]).includes(state);
}

async function readRun(
  queue: Queue,
  merge: Job<JobData>,
  { shards, state }: { readonly shards: ShardStates; readonly state: State },
): Promise<QueuedRunState> {
  const { run, output, shards: count, cancelled } = merge.data;
  const shardsIn = (...some: readonly State[]): number[] =>
    [...shards].filter(([, at]) => some.includes(at)).map(([shard]) => shard);
  const jobsOf = async (numbers: readonly number[]): Promise<Job<JobData>[]> => {
    const jobs = await mapAtOnce(numbers, atOnce, (shard) => queue.getJob(jobIdOf(run, shard)));
    return jobs.filter((job): job is Job<JobData> => job !== undefined);
  };
  const active = await jobsOf(shardsIn('active'));
  const troubled = await jobsOf(shardsIn('failed', 'delayed').sort((a, b) => a - b));
  const workers = [...active, ...(state === 'active' ? [merge] : [])].flatMap(workerOf);
  const results = [...(await resultsOf(merge, state)), ...workers.filter(({ shard }) => shard !== undefined)];
  const [underWay, waiting, failed] = [
    shardsIn('active').length,
    shardsIn('waiting', 'delayed').length,
    shardsIn('failed').length,
  ];
  return {
    ...{ run, output, shards: count, underWay, waiting, failed, workers },
    state: cancelled === true ? 'cancelled' : mergeStateOf(state),
    // Jobs of long ago are no longer there.
    done: count - underWay - waiting - failed,
    sequences: sum(results.map(({ sequences }) => sequences)),
    tokens: sum(results.map(({ tokens }) => tokens)),
    failures: [...troubled, ...(['failed', 'delayed'].includes(state) ? [merge] : [])].flatMap(failureOf),
  };
}

function mergeStateOf(state: State): QueuedRunState['state'] {
  if (state === 'active') return 'under way';
  if (state === 'completed') return 'done';
  return state === 'failed' ? 'failed' : 'waiting';
}

/** Of the shards that are done. */
async function resultsOf(merge: Job<JobData>, state: State): Promise<JobResult[]> {
  if (state === 'completed') return [merge.returnvalue as JobResult];
  return Object.values(await merge.getChildrenValues<JobResult>());
}

function workerOf(job: Job<JobData>): QueuedRunState['workers'] {
  // A number until the worker has said something.
  if (typeof job.progress !== 'object') return [];
  const progress = job.progress as JobProgress;
  return [{ ...progress, shard: job.data.shard, since: new Date(job.processedOn ?? job.timestamp) }];
}

function failureOf({ data, failedReason, finishedOn }: Job<JobData>): JobFailure[] {
  if (!failedReason) return [];
  return [{ shard: data.shard, reason: failedReason, isRetried: finishedOn === undefined }];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
