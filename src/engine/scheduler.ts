// The open jobs of a pool: which workers get them, what ends them early, what of them runs again, and when they are over.
import { HeadpoolError, type ErrorCode } from '../core/errors.js';
import { sharedClockMs } from '../core/protocol/control.js';
import type { Priority, WorkerReport } from '../core/protocol/messages.js';
import { largestOf } from '../core/lists.js';
import { flopOf, type PlannedPhase } from './assemble/assembly.js';
import type { CallingThread } from './calling-thread.js';
import type { Logger } from './engine-options.js';
import { JobBlock } from './job-block.js';
import { OpenJob, type JobOutcome, type KeptJob } from './job.js';
import { onAbort } from './on-abort.js';
import type { PoolListener, WorkerPool } from './pool.js';

// More workers than this has FLOP for would take longer to wake than to compute.
const flopPerWorker = 4e6;
// A call that takes two threads a fraction of a millisecond.
const shortFlop = 4e8;

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly priority?: Priority;
  /** Whether the calling thread may compute units of a short job, where no other is open. */
  readonly mayHelp?: boolean;
  /** Whether what the job writes on a device stays there. */
  readonly isResident?: boolean;
}

/** What a job has left with the workers. */
export interface Resident {
  release(): void;
}

interface SchedulerOptions {
  readonly logger?: Logger;
  /** Whether several workers can share a job. */
  readonly takesUnits: boolean;
  readonly callingThread?: CallingThread;
}

export class Scheduler implements PoolListener {
  readonly #pool: WorkerPool;
  readonly #options: SchedulerOptions;
  readonly #open = new Map<number, OpenJob>();
  /** Open jobs of each worker; a job that needs few workers goes to the least busy ones. */
  readonly #load: number[];
  /** What a worker that takes the place of another has to compute first. */
  readonly #residents = new Set<readonly PlannedPhase[]>();
  #nextId = 0;
  /** Why no job is run any more; undefined while jobs are. */
  #refusal: (() => HeadpoolError) | undefined;

  constructor(pool: WorkerPool, options: SchedulerOptions) {
    this.#pool = pool;
    this.#options = options;
    this.#load = new Array<number>(pool.size).fill(0);
  }

  /** Whether a job is open, so that a further one has to share the workers. */
  get isBusy(): boolean {
    return this.#open.size > 0;
  }

  /** Whether a job that comes now is run. */
  get takesJobs(): boolean {
    return this.#refusal === undefined;
  }

  /** Milliseconds that each worker has computed. */
  busyMs(): readonly number[] {
    return this.#pool.busyMs();
  }

  /**
   * Runs phases that have units, one after another, on as many workers as can find a unit. What a worker leaves undone that
   * throws or ends is run again, once.
   * @throws WORKER_LOST, UNIT_FAILED, WORKER_START; the signal's reason
   */
  async run(phases: readonly PlannedPhase[], options: RunOptions = {}): Promise<JobOutcome> {
    const block = this.#layOut(phases, options);
    return this.#runAgainIfLost(block, options, () => this.#runOnce(block, options));
  }

  /** Runs phases that pack weights. Those of a device stay there until they are released, whatever becomes of a worker. */
  async runResident(phases: readonly PlannedPhase[]): Promise<Resident> {
    await this.run(phases, { isResident: true });
    if (this.#options.takesUnits) return { release: () => undefined };
    this.#residents.add(phases);
    return {
      release: () => {
        this.#residents.delete(phases);
        const regions = phases.flatMap(({ work }) =>
          work.kind === 'pack' ? work.linears.map(({ target }) => target.region) : [],
        );
        for (let index = 0; index < this.#pool.size; index++) {
          this.#pool.post(index, { kind: 'release', regions });
        }
      },
    };
  }

  /** Makes a job that `runKept` runs, as often as wanted but once at a time. */
  keep(phases: readonly PlannedPhase[], priority: Priority): KeptJob {
    return { block: this.#layOut(phases, { priority }, true), knownBy: new Map() };
  }

  /** Makes a kept job that is complete ready to run again; false where a worker is still in it. */
  reset({ block, knownBy }: KeptJob): boolean {
    const ended = new Set<number>();
    // Whoever takes the seat of a worker that has ended knows nothing of the job.
    for (const [index, generation] of knownBy) {
      if (this.#pool.generation(index) !== generation) ended.add(index);
    }
    return block.reset(ended);
  }

  /** @throws as `run` does; the job can't be run any more then */
  async runKept(kept: KeptJob, options: RunOptions): Promise<JobOutcome> {
    return this.#runAgainIfLost(kept.block, options, () => this.#runOnce(kept.block, options, kept));
  }

  /** Makes the workers forget a job that isn't running. */
  forget({ block, knownBy }: KeptJob): void {
    for (const index of knownBy.keys()) this.#pool.post(index, { kind: 'forget', job: block.description.id });
  }

  /** Resolves once no job is open. */
  async drain(): Promise<void> {
    while (this.#open.size > 0) {
      await Promise.allSettled([...this.#open.values()].map(({ settled }) => settled));
    }
  }

  /** Stops the jobs that are open and refuses further ones, each with an error of its own. */
  end(reason: () => HeadpoolError): void {
    this.#refusal ??= reason;
    for (const job of this.#open.values()) job.stop('failed', reason());
  }

  onSignal(): void {
    for (const job of this.#open.values()) job.check();
  }

  onReport(worker: number, report: WorkerReport): void {
    if (report.kind !== 'failed') return;
    const job = this.#open.get(report.job);
    const who = `Worker ${worker}`;
    job?.stop('failed', unitFailed(who, job.block, report.place, report.error, report.code));
  }

  onLost(index: number, reason: unknown): void {
    for (const job of this.#open.values()) job.loseWorker(index, reason);
    const cause = reason instanceof Error ? reason.message : 'no reason given';
    this.#options.logger?.warn(`worker ${index} ended (${cause}); replacing it`);
  }

  onReady(index: number): void {
    for (const phases of this.#residents) {
      this.#pool.post(index, { kind: 'job', job: this.#layOut(phases, { isResident: true }).description });
    }
    for (const { block, kept } of this.#open.values()) {
      if (block.description.workers.includes(index)) this.#call(index, block, kept);
    }
  }

  onBroken(reason: unknown): void {
    const cause = reason instanceof Error ? reason.message : 'no reason given';
    const message = `Worker threads end as soon as they start: ${cause}`;
    this.end(() => new HeadpoolError('WORKER_START', message, { cause: reason }));
  }

  #layOut(
    phases: readonly PlannedPhase[],
    { priority = 'interactive', isResident = false }: RunOptions,
    isKept = false,
  ): JobBlock {
    const participants = this.#pool.size + 1;
    const workers = this.#leastBusy(this.#widthOf(phases));
    return new JobBlock(phases, participants, { id: this.#takeId(), workers, priority, isKept, isResident });
  }

  /** Numbers that fit the bells. */
  #takeId(): number {
    const id = this.#nextId;
    this.#nextId = (id + 1) | 0;
    return id;
  }

  async #runOnce(block: JobBlock, options: RunOptions, kept?: KeptJob): Promise<JobOutcome> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#refusal !== undefined) throw this.#refusal();
    const helper = this.#helperFor(block, options);
    const job = new OpenJob(block, kept);
    if (kept !== undefined) block.open();
    const { id, workers } = block.description;
    const stopListening =
      signal &&
      onAbort(signal, () => {
        job.stop('cancelled', signal.reason);
      });
    this.#open.set(id, job);
    const called: number[] = [];
    const call = (count: number): void => {
      for (const index of workers.slice(called.length, count)) {
        this.#load[index]!++;
        called.push(index);
        this.#call(index, block, kept);
      }
    };
    try {
      call(helper === undefined ? workers.length : workers.length - 1);
      if (helper !== undefined) await this.#help(helper, job);
      // What took longer than the help lasted is for all of them.
      if (!job.isSettled) call(workers.length);
      return await job.settled;
    } finally {
      this.#open.delete(id);
      stopListening?.();
      for (const index of called) this.#load[index]!--;
    }
  }

  /** Runs what is left of a job whose worker threw or ended, once everybody has left it. */
  async #runAgainIfLost(
    block: JobBlock,
    options: RunOptions,
    run: () => Promise<JobOutcome>,
  ): Promise<JobOutcome> {
    const startMs = sharedClockMs();
    try {
      return await run();
    } catch (error) {
      const rest = isLoss(error) && options.signal?.aborted !== true ? block.rest() : null;
      if (rest === null) throw error;
      this.#options.logger?.warn(`${(error as Error).message}; running what is left of the call again`);
      const spans = block.spans();
      const left = [...rest].filter(([, { unitCount }]) => unitCount > 0);
      if (left.length > 0) {
        const again = await this.#runOnce(
          this.#layOut(
            left.map(([, phase]) => phase),
            options,
          ),
          options,
        );
        left.forEach(([index], n) => (spans[index] = again.spans[n]!));
      }
      return { startMs, spans };
    }
  }

  #helperFor(block: JobBlock, { mayHelp = false }: RunOptions): CallingThread | undefined {
    const { callingThread } = this.#options;
    const isShort = block.flop > 0 && block.flop <= shortFlop;
    return mayHelp && isShort && this.#open.size === 0 && callingThread?.isReady ? callingThread : undefined;
  }

  async #help(helper: CallingThread, job: OpenJob): Promise<void> {
    await helper.turn();
    try {
      if (!job.isSettled) helper.help(job.block);
    } catch (error) {
      // What is no failure of a unit is one of ours.
      const { place = {}, cause = error as Error } = error as { place?: FailedPlace; cause?: Error };
      job.stop('failed', unitFailed('The calling thread', job.block, place, cause));
    }
    job.check();
  }

  #call(index: number, block: JobBlock, kept?: KeptJob): void {
    block.noteCalled(index);
    const generation = this.#pool.generation(index);
    const isKnown = kept?.knownBy.get(index) === generation;
    if (isKnown && this.#pool.call(index, block.description.id)) return;
    this.#pool.post(index, { kind: 'job', job: block.description });
    kept?.knownBy.set(index, generation);
  }

  /** How many workers take part, by the shape of the work alone. */
  #widthOf(phases: readonly PlannedPhase[]): number {
    if (!this.#options.takesUnits) return 1;
    const units = largestOf(phases.map(({ unitCount }) => unitCount));
    // Work that counts no FLOP moves memory, or measures the workers.
    const flop = phases.some((phase) => phase.flop === 0) ? Infinity : flopOf(phases);
    return Math.max(1, Math.min(this.#pool.size, units, Math.ceil(flop / flopPerWorker)));
  }

  #leastBusy(count: number): readonly number[] {
    const byLoad = this.#load.map((load, index) => ({ load, index })).sort((a, b) => a.load - b.load);
    return byLoad.slice(0, count).map(({ index }) => index);
  }
}

function isLoss(error: unknown): boolean {
  return error instanceof HeadpoolError && (error.code === 'WORKER_LOST' || error.code === 'UNIT_FAILED');
}

type FailedPlace = Extract<WorkerReport, { kind: 'failed' }>['place'];

function unitFailed(
  who: string,
  { phases }: JobBlock,
  { phase, unit }: FailedPlace,
  cause: Error,
  code: ErrorCode = 'UNIT_FAILED',
): HeadpoolError {
  const where = [
    ...(unit === undefined ? [] : [`unit [${unit.join(', ')}] of`]),
    phase === undefined ? 'the call' : `phase ${phases[phase]!.name}`,
  ].join(' ');
  return new HeadpoolError(code, `${who} failed in ${where}: ${cause.message}`, { cause });
}
