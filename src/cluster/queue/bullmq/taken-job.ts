// A job that this worker has: it renews its lock on the main thread, which computation never blocks, and sees on the way
// whether the job is still its own and still wanted.
import type { Job } from 'bullmq';
import { jobIdOf, type JobData } from '../job.js';
import { JobCancelled, JobLost, type JobProgress, type JobResult, type TakenJob } from '../run-queue.js';
import { removeRun } from './cancel-run.js';

interface Taken {
  readonly token: string;
  readonly lockMs: number;
  readonly source: {
    /** Undefined if it could not be asked before the worker had to end. */
    reach<T>(ask: () => Promise<T>): Promise<T | undefined>;
    find(id: string): Promise<Job | undefined>;
  };
}

const usualTickMs = 2000;

export class BullJob implements TakenJob {
  readonly #job: Job;
  readonly #taken: Taken;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #progress: JobProgress | undefined;
  #isTicking = false;
  #isSettling = false;

  constructor(job: Job, taken: Taken) {
    this.#job = job;
    this.#taken = taken;
    this.#timer = setInterval(() => void this.#tick(), Math.min(usualTickMs, taken.lockMs / 4));
  }

  get name(): string {
    return this.#job.name;
  }

  get data(): unknown {
    return this.#job.data as unknown;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  report(progress: JobProgress): void {
    const isFirst = this.#progress === undefined;
    this.#progress = progress;
    if (isFirst) void this.#tick();
  }

  async complete(result: JobResult): Promise<void> {
    await this.#settle(() => this.#job.moveToCompleted(result, this.#taken.token, false));
  }

  async fail(error: Error, isFinal: boolean): Promise<void> {
    const { message } = error;
    const told = Object.assign(new Error(message), isFinal ? { name: 'UnrecoverableError' } : {});
    await this.#settle(() => this.#job.moveToFailed(told, this.#taken.token, false));
  }

  async giveBack(delayMs: number): Promise<void> {
    const { token } = this.#taken;
    await this.#settle(() =>
      delayMs === 0 ? this.#job.moveToWait(token) : this.#job.moveToDelayed(Date.now() + delayMs, token),
    );
  }

  async drop(): Promise<void> {
    await this.fail(new Error('cancelled'), true);
    const { source } = this.#taken;
    const merge = await source.find(jobIdOf((this.#job.data as JobData).run));
    if (merge !== undefined) await source.reach(() => removeRun(merge));
  }

  /** Gives no more signs of life. */
  leave(): void {
    clearInterval(this.#timer);
  }

  /** What the queue no longer lets us do has been done, or is another worker's to do. */
  async #settle(move: () => Promise<unknown>): Promise<void> {
    this.#isSettling = true;
    try {
      await this.#taken.source.reach(move);
    } catch (error) {
      if ((await this.#renew()) === 1) throw error;
    } finally {
      this.leave();
    }
  }

  /** 1 if the job is still ours. */
  #renew(): Promise<number | undefined> {
    const { token, lockMs, source } = this.#taken;
    return source.reach(() => this.#job.extendLock(token, lockMs));
  }

  async #tick(): Promise<void> {
    if (this.#isTicking) return;
    this.#isTicking = true;
    try {
      const renewed = await this.#renew();
      // A job that has been settled meanwhile has no lock any more.
      if (renewed === undefined || this.#isSettling) return;
      if (renewed !== 1) this.#lose();
      else if (await this.#isCancelled()) this.#controller.abort(new JobCancelled());
      else await this.#tellProgress();
    } catch {
      // The lock lives for several ticks.
    } finally {
      this.#isTicking = false;
    }
  }

  /** There is nothing left to give signs of life for. */
  #lose(): void {
    this.leave();
    this.#controller.abort(new JobLost());
  }

  async #tellProgress(): Promise<void> {
    const progress = this.#progress;
    if (progress !== undefined && progress !== this.#job.progress) await this.#job.updateProgress(progress);
  }

  async #isCancelled(): Promise<boolean> {
    const now = await this.#taken.source.find(this.#job.id!);
    return (now?.data as JobData | undefined)?.cancelled === true;
  }
}
