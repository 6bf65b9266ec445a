// One worker's part in one job: takes units from the shared cursors, phase by phase, until none is left.
import type { RegionViews } from '../src/core/tensor/region.js';
import { FailedWork } from './failed-work.js';
import type { Kernel } from './kernels/kernel.js';
import { openPhase } from './phases.js';
import type { UnitRunner } from '../src/core/protocol/tables.js';
import {
  control,
  cursorSlot,
  isStopped,
  presenceSlot,
  sharedClockMs,
  slotStride,
} from '../src/core/protocol/control.js';
import type { Job } from '../src/core/protocol/messages.js';
import { unitWords } from '../src/core/protocol/tables.js';

// A waiter looks for the stop flag this often, should a wake-up be lost with the worker that owed it.
const waitMs = 50;

export interface Worker {
  readonly index: number;
  readonly kernel: Kernel;
  readonly views: RegionViews;
}

/**
 * Takes part in a job until it is complete or stopped.
 * @param onComplete called by the worker that finishes the job's last unit.
 * @throws FailedWork
 */
export function takeUnits(job: Job, worker: Worker, onComplete: () => void): void {
  const slots = new Int32Array(job.block);
  const presence = slotStride * presenceSlot(job.phases.length, worker.index);
  // Presence before the flag: the coordinator sets the flag before it looks for presence, so one of the two sees the
  // other, and no buffer is touched once a stopped job has been settled.
  Atomics.store(slots, presence, 1);
  try {
    for (let phase = 0; phase < job.phases.length; phase++) {
      const wasLast = runPhase(job, phase, slots, worker);
      if (isStopped(slots)) return;
      if (wasLast) publishPhase(job, phase, slots, onComplete);
      else if (phase + 1 < job.phases.length) waitForPhase(job, phase, slots);
    }
  } finally {
    Atomics.store(slots, presence, 0);
  }
}

/** Runs units until none is left or the job is stopped; true for the worker that ran the last one to end. */
function runPhase(job: Job, phase: number, slots: Int32Array, { kernel, views }: Worker): boolean {
  const { unitsAt, unitCount, entriesAt, work } = job.phases[phase]!;
  const cursor = slotStride * cursorSlot(phase);
  const done = cursor + slotStride;
  const units = new Int32Array(job.block, unitsAt);
  const clock = new Float64Array(job.block, job.clockAt);
  let run: UnitRunner | undefined;
  let wasLast = false;
  while (!isStopped(slots)) {
    const index = Atomics.add(slots, cursor, 1);
    if (index >= unitCount) break;
    const unit = units.subarray(index * unitWords, (index + 1) * unitWords);
    try {
      run ??= openPhase(
        work,
        entriesAt.map((at) => new Float64Array(job.block, at)),
        views,
        kernel,
      );
      run(unit);
    } catch (cause) {
      throw new FailedWork({ phase, unit: [...unit] }, cause);
    }
    // Before the count, which publishes it: whoever sees the phase done sees when.
    clock[phase] = sharedClockMs();
    wasLast = Atomics.add(slots, done, 1) + 1 === unitCount;
  }
  return wasLast;
}

function publishPhase(job: Job, phase: number, slots: Int32Array, onComplete: () => void): void {
  if (phase + 1 < job.phases.length) {
    Atomics.notify(slots, slotStride * (cursorSlot(phase) + 1));
  } else {
    Atomics.store(slots, slotStride * control.complete, 1);
    onComplete();
  }
}

/** Waits for the units that other workers hold, or for the job to be stopped. */
function waitForPhase(job: Job, phase: number, slots: Int32Array): void {
  const done = slotStride * (cursorSlot(phase) + 1);
  while (!isStopped(slots)) {
    const count = Atomics.load(slots, done);
    if (count === job.phases[phase]!.unitCount) return;
    Atomics.wait(slots, done, count, waitMs);
  }
}
