// One thread's view of a job that is cut into units: takes the next one from the shared cursors, phase by phase.
import type { Activity } from '../src/core/protocol/activity.js';
import type { Bells } from '../src/core/protocol/bells.js';
import {
  control,
  isOver,
  isStopped,
  marks,
  phaseSlot,
  presenceSlot,
  sharedClockMs,
  slotStride,
  stop,
} from '../src/core/protocol/control.js';
import type { Job } from '../src/core/protocol/messages.js';
import type { Progress, UnitTaker } from '../src/core/protocol/worker-module.js';
import { unitWords, type UnitRunner } from '../src/core/protocol/tables.js';
import { createBallast } from '../src/core/tensor/ballast.js';
import type { RegionViews } from '../src/core/tensor/region.js';
import { FailedWork } from './failed-work.js';
import type { Kernel } from './kernels/kernel.js';
import { openPhase } from './phases.js';

/** A thread that computes units. */
export interface UnitWorker {
  readonly index: number;
  readonly kernel: Kernel;
  readonly views: RegionViews;
  readonly bells: Bells;
  readonly activity: Activity;
}

export class UnitJob implements UnitTaker {
  readonly job: Job;
  /** What the job is to the garbage collector. */
  readonly ballast: ArrayBuffer | undefined;
  readonly #worker: UnitWorker;
  readonly #slots: Int32Array;
  readonly #bytes: Int8Array;
  readonly #clock: Float64Array; // [phases, start and end]
  readonly #presence: number;
  readonly #phases: OpenPhase[];
  /** The run that the phases were opened for. */
  #openedFor = 0;

  constructor(job: Job, worker: UnitWorker) {
    this.job = job;
    this.ballast = createBallast(job.looseBytes);
    this.#worker = worker;
    this.#slots = new Int32Array(job.block, 0, job.clockAt / 4);
    this.#clock = new Float64Array(job.block, job.clockAt, 2 * job.phases.length);
    this.#bytes = new Int8Array(job.block);
    this.#presence = slotStride * presenceSlot(job.phases.length, worker.index);
    this.#phases = job.phases.map(({ unitsAt, unitCount }) => ({
      units: new Int32Array(job.block, unitsAt, unitCount * unitWords),
      run: undefined,
    }));
  }

  /** FLOP that nobody has taken yet. */
  get remainingFlop(): number {
    const current = Atomics.load(this.#slots, slotStride * control.phase);
    let flop = 0;
    for (let phase = current; phase < this.job.phases.length; phase++) {
      const { unitCount, flop: all } = this.job.phases[phase]!;
      flop += phase === current ? all * (1 - Math.min(1, this.#taken(phase) / unitCount)) : all;
    }
    return flop;
  }

  /** Whether the job was stopped, so that the coordinator waits for those who are in it to leave. */
  get isStopped(): boolean {
    return isStopped(this.#slots);
  }

  /**
   * Takes units as long as there are some and `mayGoOn` allows another.
   * @param onComplete called by the worker that finishes the job's last unit
   * @throws FailedWork
   */
  takeUnits(mayGoOn: (nowMs: number) => boolean, onComplete: () => void): Progress {
    const slots = this.#slots;
    let nowMs = sharedClockMs();
    // Presence before the flags: the coordinator sets a flag before it looks for presence, so one of the two sees the
    // other. No buffer is touched once a stopped job has been settled, no slot once a job is made ready to run again.
    Atomics.store(slots, this.#presence, 1);
    try {
      // Once open, it isn't made ready to run again before this thread has left.
      if (isOver(slots)) return 'over';
      this.#openAgain();
      while (!isOver(slots)) {
        const phase = Atomics.load(slots, slotStride * control.phase);
        const { unitCount } = this.job.phases[phase]!;
        const index =
          this.#taken(phase) < unitCount
            ? Atomics.add(slots, slotStride * phaseSlot(phase, 'cursor'), 1)
            : unitCount;
        if (index >= unitCount) {
          if (Atomics.load(slots, slotStride * control.phase) !== phase) continue;
          return phase + 1 === this.job.phases.length ? 'over' : 'waiting';
        }
        nowMs = this.#run(phase, index, nowMs);
        if (Atomics.add(slots, slotStride * phaseSlot(phase, 'done'), 1) + 1 === unitCount) {
          this.#endPhase(phase, onComplete);
        }
        if (!mayGoOn(nowMs)) return 'went on';
      }
      return 'over';
    } finally {
      Atomics.store(slots, this.#presence, 0);
    }
  }

  /** Before the first unit of a further run. */
  #openAgain(): void {
    const run = Atomics.load(this.#slots, slotStride * control.run);
    if (run === this.#openedFor) return;
    this.#openedFor = run;
    // Such a kernel keeps copies of operands outside its memory, which it knows by their arrays.
    if (this.#worker.kernel.traits.arena !== 'webassembly') return;
    for (const open of this.#phases) open.run = undefined;
  }

  /** @returns when it ended, by the shared clock */
  #run(phase: number, index: number, startMs: number): number {
    const { marksAt, work, entries } = this.job.phases[phase]!;
    const open = this.#phases[phase]!;
    const unit = open.units.subarray(index * unitWords, (index + 1) * unitWords);
    const { activity, index: worker, views, kernel } = this.#worker;
    Atomics.store(this.#bytes, marksAt + index, marks.taken);
    activity.begin(worker, startMs);
    if (index === 0) this.#clock[2 * phase] = startMs;
    try {
      open.run ??= openPhase(
        work,
        entries.map(({ at, length }) => new Float64Array(this.job.block, at, length)),
        views,
        kernel,
      );
      open.run(unit);
    } catch (cause) {
      activity.end(worker);
      // While it is present: whoever sees the job without it knows that something is wrong with it.
      stop(this.#slots, 'failed');
      throw new FailedWork({ phase, unit: [...unit] }, cause);
    }
    Atomics.store(this.#bytes, marksAt + index, marks.done);
    // Before the count, which publishes it: whoever sees the phase done sees when.
    const endMs = activity.end(worker);
    this.#clock[2 * phase + 1] = endMs;
    const microseconds = Math.round(1e3 * (endMs - startMs));
    Atomics.add(this.#slots, slotStride * phaseSlot(phase, 'computed'), microseconds);
    return endMs;
  }

  #endPhase(phase: number, onComplete: () => void): void {
    if (phase + 1 === this.job.phases.length) {
      Atomics.store(this.#slots, slotStride * control.complete, 1);
      onComplete();
      return;
    }
    Atomics.store(this.#slots, slotStride * control.phase, phase + 1);
    const { index, bells } = this.#worker;
    for (const worker of this.job.workers) {
      const isCalled = Atomics.load(this.#bytes, this.job.calledAt + worker) !== 0;
      if (isCalled && worker !== index) bells.ring(worker);
    }
  }

  #taken(phase: number): number {
    return Atomics.load(this.#slots, slotStride * phaseSlot(phase, 'cursor'));
  }
}

interface OpenPhase {
  readonly units: Int32Array;
  run: UnitRunner | undefined;
}
