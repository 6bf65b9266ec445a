// A whole job on a kernel that answers later: phase by phase or all at once, as the kernel takes them.
import {
  control,
  isOver,
  isStopped,
  marks,
  phaseSlot,
  presenceSlot,
  sharedClockMs,
  slotStride,
} from '../src/core/protocol/control.js';
import type { Job, Phase } from '../src/core/protocol/messages.js';
import { unitWords } from '../src/core/protocol/tables.js';
import { FailedWork } from './failed-work.js';
import type { JobKernel, TakenPhase } from './kernels/kernel.js';
import type { OpenParts } from './open-parts.js';

/** The worker of a kernel that answers later. */
export interface JobWorker {
  readonly index: number;
  readonly kernel: JobKernel;
  readonly parts: OpenParts;
  /** Whether the kernel was closed under its jobs. */
  isEnding: boolean;
}

/**
 * Computes a job by itself, unless it is stopped.
 * @param onComplete called once the job is complete
 * @throws FailedWork
 */
export async function takeJob(job: Job, worker: JobWorker, onComplete: () => void): Promise<void> {
  const { index, kernel, parts } = worker;
  const slots = new Int32Array(job.block, 0, job.clockAt / 4);
  const clock = new Float64Array(job.block, job.clockAt, 2 * job.phases.length); // [phases, start and end]
  const presence = slotStride * presenceSlot(job.phases.length, index);
  const partLength = kernel.traits.takes === 'phases' ? 1 : job.phases.length;
  // Presence before the flags, as where units are taken.
  Atomics.store(slots, presence, 1);
  try {
    for (let first = 0; first < job.phases.length && !isOver(slots); first += partLength) {
      const part = job.phases.slice(first, first + partLength);
      mark(job, part, marks.taken);
      // A kernel that takes several phases at once doesn't say when each began.
      const startMs = sharedClockMs();
      clock.fill(startMs, 2 * first, 2 * (first + part.length));
      parts.begin();
      try {
        const whole = part.map((phase) => openWhole(job, phase));
        await kernel.run(whole, () => isStopped(slots), job.isResident);
      } catch (cause) {
        throw new FailedWork(partLength === 1 ? { phase: first } : {}, cause);
      } finally {
        parts.end();
      }
      if (isStopped(slots)) return;
      mark(job, part, marks.done);
      const endMs = sharedClockMs();
      const last = first + part.length - 1;
      clock[2 * last + 1] = endMs;
      Atomics.store(slots, slotStride * phaseSlot(last, 'computed'), Math.round(1e3 * (endMs - startMs)));
      Atomics.store(slots, slotStride * control.phase, first + partLength);
    }
    if (isStopped(slots)) return;
    Atomics.store(slots, slotStride * control.complete, 1);
    onComplete();
  } finally {
    // Who ends inside a job is lost to it, so that it runs again once, and not again and again.
    if (!worker.isEnding) Atomics.store(slots, presence, 0);
  }
}

function mark({ block }: Job, phases: readonly Phase[], value: number): void {
  for (const { marksAt, unitCount } of phases) new Int8Array(block, marksAt, unitCount).fill(value);
}

function openWhole({ block }: Job, { work, unitsAt, unitCount, entries }: Phase): TakenPhase {
  return {
    work,
    units: new Int32Array(block, unitsAt, unitCount * unitWords),
    entries: entries.map(({ at, length }) => new Float64Array(block, at, length)),
  };
}
