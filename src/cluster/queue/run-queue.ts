// A queue of runs in shards, as the commands see it. Which program keeps the queue is known in one folder beside.
import type { QueuedRun } from './job.js';

/** For who adds jobs, looks at them, or takes them back. All of it @throws QUEUE_UNAVAILABLE */
export interface RunQueue {
  /**
   * Adds what the queue doesn't have of a run, and tries again what failed.
   * @param isDone whether a shard is done on the disk, from 1
   * @throws OUTPUT_IN_USE while the run is being cancelled
   */
  submit(run: QueuedRun, isDone: (shard: number) => boolean): Promise<Submitted>;
  /** All runs that the queue knows, the oldest first. */
  read(): Promise<QueuedRunState[]>;
  /** Undefined if the queue has no such run, or has done all of it. */
  cancel(run: string): Promise<Cancelled | undefined>;
  close(): Promise<void>;
}

export interface Submitted {
  readonly added: number;
  readonly present: number;
  /** They had failed. */
  readonly retried: number;
}

export interface Cancelled {
  /** Jobs that nobody had begun. */
  readonly removed: number;
  /** They end after their chunk. */
  readonly underWay: number;
}

/** How far a worker is with a shard. */
export interface JobProgress extends JobResult {
  readonly host: string;
  readonly pid: number;
  /** Of this attempt. */
  readonly tokensPerSecond: number;
}

/** What a shard came to; of a merge, what all of them came to. */
export interface JobResult {
  readonly sequences: number;
  readonly tokens: number;
}

export const mergeStates = ['waiting', 'under way', 'done', 'failed', 'cancelled'] as const;

export interface QueuedRunState extends QueuedRun {
  /** Of all shards, and then of the merge. */
  readonly state: (typeof mergeStates)[number];
  readonly done: number;
  readonly underWay: number;
  /** Those that are tried again later are among them. */
  readonly waiting: number;
  readonly failed: number;
  readonly sequences: number;
  readonly tokens: number;
  readonly workers: readonly (JobProgress & { readonly shard: number | undefined; readonly since: Date })[];
  readonly failures: readonly JobFailure[];
}

export interface JobFailure {
  /** Undefined: the merge. */
  readonly shard: number | undefined;
  readonly reason: string;
  /** Whether it is tried again without anybody's doing. */
  readonly isRetried: boolean;
}

/** For a worker. */
export interface JobSource {
  /** Undefined if there was none for some seconds, or `signal` says to stop. */
  take(signal: AbortSignal): Promise<TakenJob | undefined>;
  /** Whether nothing waits, is delayed or under way. */
  isEmpty(): Promise<boolean>;
  close(): Promise<void>;
}

/** A job that is this worker's for as long as it gives signs of life, which it does by itself. */
export interface TakenJob {
  readonly name: string;
  readonly data: unknown;
  /** Aborts with a `JobLost` or a `JobCancelled`. */
  readonly signal: AbortSignal;
  /** Told to others at most every two seconds. */
  report(progress: JobProgress): void;
  complete(result: JobResult): Promise<void>;
  /** @param isFinal whether trying again would come to the same */
  fail(error: Error, isFinal: boolean): Promise<void>;
  /** For another worker, or this one, after a while. That counts as no attempt. */
  giveBack(delayMs: number): Promise<void>;
  /** Ends a job of a cancelled run; the last one takes what is left of the run out of the queue. */
  drop(): Promise<void>;
}

/** The queue has given the job to somebody else, or might have: another attempt may be under way. */
export class JobLost extends Error {}

/** Somebody has cancelled the run. */
export class JobCancelled extends Error {}
