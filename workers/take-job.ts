// A whole job on a kernel that answers later: phase by phase or all at once, as the kernel takes them.
import { control, isStopped, presenceSlot, sharedClockMs, slotStride } from '../src/core/protocol/control.js';
import type { Job, Phase } from '../src/core/protocol/messages.js';
import { unitWords } from '../src/core/protocol/tables.js';
import { FailedWork } from './failed-work.js';
import type { JobKernel, TakenPhase } from './kernels/kernel.js';

/**
 * Computes a job by itself, unless it is stopped.
 * @param onComplete called once the job is complete
 * @throws FailedWork
 */
export async function takeJob(
  job: Job,
  { index, kernel }: { readonly index: number; readonly kernel: JobKernel },
  onComplete: () => void,
): Promise<void> {
  const slots = new Int32Array(job.block);
  const clock = new Float64Array(job.block, job.clockAt);
  const presence = slotStride * presenceSlot(job.phases.length, index);
  // Presence before the flag, as in takeUnits.
  Atomics.store(slots, presence, 1);
  try {
    const phases = job.phases.map((phase) => openWhole(job, phase));
    const parts = kernel.traits.takes === 'phases' ? phases.map((phase) => [phase]) : [phases];
    let done = 0;
    for (const part of parts) {
      if (isStopped(slots)) return;
      try {
        await kernel.run(part, () => isStopped(slots));
      } catch (cause) {
        throw new FailedWork(part.length === 1 ? { phase: done } : {}, cause);
      }
      clock.fill(sharedClockMs(), done, done + part.length);
      done += part.length;
    }
    if (isStopped(slots)) return;
    Atomics.store(slots, slotStride * control.complete, 1);
    onComplete();
  } finally {
    Atomics.store(slots, presence, 0);
  }
}

function openWhole({ block }: Job, { work, unitsAt, unitCount, entriesAt }: Phase): TakenPhase {
  return {
    work,
    units: new Int32Array(block, unitsAt, unitCount * unitWords),
    entries: entriesAt.map((at) => new Float64Array(block, at)),
  };
}
