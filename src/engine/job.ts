// One run of a job: the promise that settles when it is over.
import { HeadpoolError } from '../core/errors.js';
import { sharedClockMs, type StopReason } from '../core/protocol/control.js';
import type { JobBlock, Span } from './job-block.js';

export interface JobOutcome {
  /** When the job was handed to the workers, by the shared clock. */
  readonly startMs: number;
  /** Of each phase, by the same clock. */
  readonly spans: readonly Span[];
}

/** A job that runs again and again: its workers know it, so that a call of it costs no message. */
export interface KeptJob {
  readonly block: JobBlock;
  /** Workers that have it, by their seats: the thread in each that was told. */
  readonly knownBy: Map<number, number>;
}

/** From the hand-over to the end of the last unit. */
export function wallMs({ startMs, spans }: JobOutcome): number {
  return spans.at(-1)!.endMs - startMs;
}

export class OpenJob {
  readonly block: JobBlock;
  readonly kept: KeptJob | undefined;
  readonly settled: Promise<JobOutcome>;
  readonly #startMs = sharedClockMs();
  readonly #ended = new Set<number>();
  #resolve!: (outcome: JobOutcome) => void;
  #reject!: (reason: unknown) => void;
  #stopReason: unknown;
  #isSettled = false;

  /** @param kept what its block is of, where that is kept */
  constructor(block: JobBlock, kept?: KeptJob) {
    this.block = block;
    this.kept = kept;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // It may be over before anybody waits for it; who does learns of it all the same.
    this.settled.catch(() => undefined);
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Makes the workers leave; the job rejects with the first reason given, once all have left. */
  stop(kind: StopReason, reason: unknown): void {
    if (this.#isSettled) return;
    this.#stopReason ??= reason;
    this.block.stop(kind);
    this.check();
  }

  /** Takes note that the thread of a worker has ended; the job fails if the worker was in it, or owed it a report. */
  loseWorker(index: number, cause: unknown): void {
    const owesReport = this.block.isStopped && this.#stopReason === undefined;
    if (this.#isSettled || (!this.block.isPresent(index) && !owesReport)) return;
    this.#ended.add(index);
    const reason = cause instanceof Error ? cause.message : 'it left without a reason';
    this.stop(
      'failed',
      new HeadpoolError('WORKER_LOST', `Worker ${index} ended during the call: ${reason}`, { cause }),
    );
  }

  /** Settles the job if it is complete, or stopped and left by all workers. */
  check(): void {
    if (this.#isSettled) return;
    if (this.block.isComplete) {
      this.#isSettled = true;
      this.#resolve({ startMs: this.#startMs, spans: this.block.spans() });
      return;
    }
    // The flag was set before this look at presence: whoever enters later sees it and touches nothing.
    if (!this.block.isStopped || this.block.isEntered(this.#ended)) return;
    if (this.#stopReason === undefined) return; // A worker failed and its report is still on the way.
    this.#isSettled = true;
    this.#reject(this.#stopReason);
  }
}
