// The open jobs of a pool: which workers get them, what ends them early, and when they are over.
import type { Priority } from '../attention/options.js';
import { HeadpoolError } from '../core/errors.js';
import type { WorkerReport } from '../core/protocol/messages.js';
import type { PlannedPhase } from './assemble/assembly.js';
import type { Logger } from './engine-options.js';
import { OpenJob, type JobOutcome } from './job.js';
import type { PoolListener, WorkerPool } from './pool.js';

// Sleeping on the event loop and being woken takes longer than a call of this size, so it is watched for a moment
// instead, where no other call is open; the loop is held no longer than the call's own preparation took.
const tinyFlop = 1e6;
const watchMs = 0.05;
// Watched calls end without a turn of the event loop; a loop of them must not starve the host's timers.
const mostWatched = 16;

interface Assignment {
  readonly job: OpenJob;
  readonly phases: readonly PlannedPhase[];
  readonly workers: ReadonlySet<number>;
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly priority?: Priority;
}

export class Scheduler implements PoolListener {
  readonly #pool: WorkerPool;
  readonly #takesUnits: boolean;
  readonly #logger: Logger | undefined;
  readonly #open = new Map<number, Assignment>();
  /** Open jobs of each worker; a job that needs few workers goes to the least busy ones. */
  readonly #load: number[];
  #nextId = 0;
  /** Calls watched since the event loop last turned. */
  #watched = 0;
  #broken: HeadpoolError | undefined;

  /** @param takesUnits whether several workers can share a job */
  constructor(pool: WorkerPool, { logger, takesUnits }: { logger?: Logger; takesUnits: boolean }) {
    this.#pool = pool;
    this.#logger = logger;
    this.#takesUnits = takesUnits;
    this.#load = new Array<number>(pool.size).fill(0);
  }

  get openJobs(): number {
    return this.#open.size;
  }

  /**
   * Runs phases that have units, one after another, on as many workers as can find a unit.
   * @throws WORKER_LOST, UNIT_FAILED, WORKER_START; the signal's reason
   */
  async run(phases: readonly PlannedPhase[], { signal }: RunOptions = {}): Promise<JobOutcome> {
    signal?.throwIfAborted();
    if (this.#broken !== undefined) throw this.#broken;
    const job = new OpenJob(this.#nextId++, phases, this.#pool.size);
    const width = this.#takesUnits ? Math.min(this.#pool.size, job.width) : 1;
    const workers = this.#leastBusy(width);
    const cancel = (): void => {
      job.stop('cancelled', signal?.reason);
    };
    this.#open.set(job.description.id, { job, phases, workers });
    signal?.addEventListener('abort', cancel);
    for (const index of workers) {
      this.#load[index]!++;
      this.#pool.post(index, job.description);
    }
    if (this.#open.size === 1 && this.#watched < mostWatched && isTiny(phases)) {
      this.#watched++;
      job.watch(watchMs);
    }
    try {
      return await job.settled;
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.#open.delete(job.description.id);
      for (const index of workers) this.#load[index]!--;
    }
  }

  /** Resolves once no job is open. */
  async drain(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map(({ job }) => job.settled));
  }

  onSignal(): void {
    this.#watched = 0;
    for (const { job } of this.#open.values()) job.check();
  }

  onReport(worker: number, report: WorkerReport): void {
    if (report.kind !== 'failed') return;
    const assignment = this.#open.get(report.job);
    if (assignment === undefined) return;
    const { job, phases } = assignment;
    const { phase, unit } = report.place;
    const where = [
      ...(unit === undefined ? [] : [`unit [${unit.join(', ')}] of`]),
      phase === undefined ? 'the call' : `phase ${phases[phase]!.name}`,
    ].join(' ');
    const message = `Worker ${worker} failed in ${where}: ${report.error.message}`;
    job.stop('failed', new HeadpoolError('UNIT_FAILED', message, { cause: report.error }));
  }

  onLost(index: number, reason: unknown): void {
    this.#logger?.warn(
      `worker ${index} ended (${reason instanceof Error ? reason.message : 'no reason given'}); replacing it`,
    );
    for (const { job } of this.#open.values()) job.loseWorker(index, reason);
  }

  onReady(index: number): void {
    for (const { job, workers } of this.#open.values()) {
      if (workers.has(index)) this.#pool.post(index, job.description);
    }
  }

  onBroken(reason: unknown): void {
    const cause = reason instanceof Error ? reason.message : 'no reason given';
    this.#broken = new HeadpoolError('WORKER_START', `Worker threads end as soon as they start: ${cause}`, {
      cause: reason,
    });
    for (const { job } of this.#open.values()) job.stop('failed', this.#broken);
  }

  #leastBusy(count: number): ReadonlySet<number> {
    const byLoad = this.#load.map((load, index) => ({ load, index })).sort((a, b) => a.load - b.load);
    return new Set(byLoad.slice(0, count).map(({ index }) => index));
  }
}

function isTiny(phases: readonly PlannedPhase[]): boolean {
  return phases.reduce((sum, { flop }) => sum + flop, 0) <= tinyFlop;
}
