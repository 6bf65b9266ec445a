// Jobs for a worker, one at a time. Taking them is ours and not BullMQ's, so that a server which is away for a while is no
// failure of a job, and a worker that is told to stop takes no more.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job, JobType, Worker } from 'bullmq';
import type { QueueServer } from '../connection.js';
import type { JobSource, TakenJob } from '../run-queue.js';
import { openBackend } from './backend.js';
import { isGone } from './gone.js';
import { unavailableOf, waitForServer } from './probe.js';
import { BullJob } from './taken-job.js';

export interface SourceOptions {
  readonly lockMs: number;
  readonly signal: AbortSignal;
  /** Told once when the server goes away, and once when it is there again. */
  readonly onNote: (text: string) => void;
}

/** How long a worker waits for a server that isn't there when it starts. */
const startMs = 60_000;
/** In seconds: how long it waits for a job before it looks around. */
const waitS = 1;
const retryMs = 500;

/** Of a preempted machine nobody is to blame. */
const mostStalledCount = 1_000_000;

/** @throws QUEUE_UNAVAILABLE after a minute; INVALID_OPTION if a package is missing; the signal's reason */
export async function openJobSource(
  name: string,
  server: QueueServer,
  options: SourceOptions,
): Promise<JobSource> {
  const { lockMs, signal, onNote } = options;
  const onWait = (reason: string): void => {
    onNote(`waiting for ${reason}`);
  };
  const { bullmq, options: connection, factory } = await openBackend(server, 'endless');
  const endMs = performance.now() + startMs;
  for (;;) {
    await waitForServer(server, { mostMs: endMs - performance.now(), signal, onWait });
    const worker = new bullmq.Worker(
      name,
      undefined,
      {
        ...connection,
        ...{ lockDuration: lockMs, stalledInterval: lockMs / 2, maxStalledCount: mostStalledCount },
        ...{ concurrency: 1, autorun: false },
      },
      factory,
    );
    const source = new BullSource(bullmq.Job, worker, server, options);
    worker.on('error', (error) => {
      source.noteTrouble(error);
    });
    try {
      await worker.waitUntilReady();
      await worker.startStalledCheckTimer();
      return source;
    } catch (error) {
      await source.close();
      // It was there a moment ago.
      if (!isGone(error)) throw error;
    }
  }
}

const openStates: JobType[] = ['wait', 'prioritized', 'delayed', 'active'];

class BullSource implements JobSource {
  readonly #Job: typeof Job;
  readonly #worker: Worker;
  readonly #server: QueueServer;
  readonly #options: SourceOptions;
  /** The last that was taken. */
  #job: BullJob | undefined;
  #isAway = false;
  #isClosed = false;

  constructor(Jobs: typeof Job, worker: Worker, server: QueueServer, options: SourceOptions) {
    this.#Job = Jobs;
    this.#worker = worker;
    this.#server = server;
    this.#options = options;
  }

  async take(signal: AbortSignal): Promise<TakenJob | undefined> {
    const worker = this.#worker;
    const token = randomUUID();
    const job = await this.reach(() => worker.getNextJob(token, { block: false }));
    if (job === undefined && !signal.aborted) {
      // Never for long: a job that is to be tried again later is found by looking alone.
      await this.reach(() => worker.getBackend().waitForJob(waitS));
    }
    if (job === undefined) return undefined;
    this.#job?.leave();
    this.#job = new BullJob(job, { token, lockMs: this.#options.lockMs, source: this });
    return this.#job;
  }

  find(id: string): Promise<Job | undefined> {
    return this.reach(() => this.#Job.fromId(this.#worker, id));
  }

  async isEmpty(): Promise<boolean> {
    const counts = await this.reach(() => this.#worker.getBackend().getCounts(openStates));
    return counts?.every((count) => count === 0) === true;
  }

  /** Whatever is still asked of the server is given up. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#job?.leave();
    await this.#worker.close(true);
  }

  /**
   * What `ask` comes to, tried again for as long as the server is away; undefined if that was too long. It may be away for
   * ever once the worker is to stop: then a job comes back to the queue by itself when its lock ends.
   */
  async reach<T>(ask: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#options;
    for (;;) {
      try {
        const answer = await unlessStopped(ask(), signal);
        if (answer !== stopped) this.#noteBack();
        return answer === stopped ? undefined : answer;
      } catch (error) {
        if (!isGone(error)) throw error;
        this.noteTrouble(error);
        if (signal.aborted || this.#isClosed) return undefined;
        await sleep(retryMs);
      }
    }
  }

  noteTrouble(error: unknown): void {
    if (this.#isAway || this.#options.signal.aborted || !isGone(error)) return;
    this.#isAway = true;
    this.#options.onNote(
      `the queue is away (${unavailableOf(this.#server, error).message}); what is under way goes on`,
    );
  }

  #noteBack(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#options.onNote('the queue is there again');
  }
}

const stopped = Symbol('stopped');
/** What is left to a worker that is to stop, to say what became of its job. */
const lastMs = 10_000;

async function unlessStopped<T>(asked: Promise<T>, signal: AbortSignal): Promise<T | typeof stopped> {
  let timer: NodeJS.Timeout | undefined;
  let onStop: (() => void) | undefined;
  const stop = new Promise<typeof stopped>((resolve) => {
    onStop = () => (timer = setTimeout(resolve, lastMs, stopped));
    if (signal.aborted) onStop();
    else signal.addEventListener('abort', onStop, { once: true });
  });
  try {
    return await Promise.race([asked, stop]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onStop!);
    // Nobody waits for it any more.
    asked.catch(() => undefined);
  }
}
