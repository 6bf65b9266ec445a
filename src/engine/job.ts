// One job: its control block as the coordinator sees it, and the promise that settles when it is over.
import { HeadpoolError } from '../core/errors.js';
import {
  control,
  cursorSlot,
  presenceSlot,
  sharedClockMs,
  slotStride,
  stopReasons,
} from '../core/protocol/control.js';
import type { Job } from '../core/protocol/messages.js';
import type { PlannedPhase } from './assemble/assembly.js';

export interface JobOutcome {
  /** Milliseconds of each phase, the first one counted from the start of the job. */
  readonly phaseMs: readonly number[];
  readonly totalMs: number;
}

export class OpenJob {
  readonly description: Job;
  readonly settled: Promise<JobOutcome>;
  readonly #slots: Int32Array;
  readonly #workers: number;
  readonly #startMs = sharedClockMs();
  readonly #lost = new Set<number>();
  #resolve!: (outcome: JobOutcome) => void;
  #reject!: (reason: unknown) => void;
  #stopReason: unknown;
  #isSettled = false;

  /** @param workers how many workers the pool has; any of them may take part */
  constructor(id: number, phases: readonly PlannedPhase[], workers: number) {
    this.description = describeJob(id, phases, workers);
    this.#slots = new Int32Array(this.description.block);
    this.#workers = workers;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** The most workers that can find a unit at the same time. */
  get width(): number {
    return Math.max(...this.description.phases.map(({ unitCount }) => unitCount));
  }

  /** Looks for up to `ms` whether the job completes. */
  watch(ms: number): void {
    const complete = slotStride * control.complete;
    const end = performance.now() + ms;
    while (Atomics.load(this.#slots, complete) === 0 && performance.now() < end);
    this.check();
  }

  /** Makes the workers leave; the job rejects with the first reason given, once all have left. */
  stop(kind: 'cancelled' | 'failed', reason: unknown): void {
    if (this.#isSettled) return;
    this.#stopReason ??= reason;
    Atomics.compareExchange(this.#slots, slotStride * control.stop, stopReasons.none, stopReasons[kind]);
    this.description.phases.forEach((_, phase) => {
      Atomics.notify(this.#slots, slotStride * (cursorSlot(phase) + 1));
    });
    this.check();
  }

  /** Takes note that a worker ended; the job fails if the worker was in it. */
  loseWorker(index: number, cause: unknown): void {
    if (this.#isSettled || !this.#isPresent(index)) return;
    this.#lost.add(index);
    const reason = cause instanceof Error ? cause.message : 'it left without a reason';
    this.stop(
      'failed',
      new HeadpoolError('WORKER_LOST', `Worker ${index} ended during the call: ${reason}`, { cause }),
    );
  }

  /** Settles the job if it is complete, or stopped and left by all workers. */
  check(): void {
    if (this.#isSettled) return;
    if (Atomics.load(this.#slots, slotStride * control.complete) !== 0) {
      this.#isSettled = true;
      this.#resolve(this.#outcome());
      return;
    }
    // The flag was set before this look at presence: whoever enters later sees it and touches nothing.
    if (Atomics.load(this.#slots, slotStride * control.stop) === stopReasons.none) return;
    for (let index = 0; index < this.#workers; index++) {
      if (this.#isPresent(index) && !this.#lost.has(index)) return;
    }
    if (this.#stopReason === undefined) return; // A worker failed and its report is still on the way.
    this.#isSettled = true;
    this.#reject(this.#stopReason);
  }

  #outcome(): JobOutcome {
    const { block, clockAt, phases } = this.description;
    const ends = [...new Float64Array(block, clockAt, phases.length)];
    const starts = [this.#startMs, ...ends.slice(0, -1)];
    return {
      phaseMs: ends.map((end, phase) => Math.max(0, end - starts[phase]!)),
      totalMs: sharedClockMs() - this.#startMs,
    };
  }

  #isPresent(index: number): boolean {
    return Atomics.load(this.#slots, this.#presence(index)) !== 0;
  }

  #presence(index: number): number {
    return slotStride * presenceSlot(this.description.phases.length, index);
  }
}

/** Lays the job's block out: control slots, clock, and every phase's tables, all at multiples of 8 bytes. */
function describeJob(id: number, phases: readonly PlannedPhase[], workers: number): Job {
  const clockAt = presenceSlot(phases.length, workers) * slotStride * 4;
  let end = clockAt + phases.length * 8;
  const tables: { readonly at: number; readonly table: Int32Array | Float64Array }[] = [];
  const place = (table: Int32Array | Float64Array): number => {
    const at = end;
    tables.push({ at, table });
    end += Math.ceil(table.byteLength / 8) * 8;
    return at;
  };
  const described = phases.map(({ units, unitCount, entries, work }) => ({
    unitsAt: place(units),
    unitCount,
    entriesAt: entries.map(place),
    work,
  }));
  const block = new SharedArrayBuffer(end);
  for (const { at, table } of tables) {
    if (table instanceof Int32Array) new Int32Array(block, at).set(table);
    else new Float64Array(block, at).set(table);
  }
  return { id, block, clockAt, phases: described };
}
