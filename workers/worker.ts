// The piscina entry of a worker thread. It stays inside one task for as long as the pool lives: jobs arrive on a port,
// a bell in shared memory wakes it. One task for many jobs, because a piscina task costs several times a wake-up.
import { receiveMessageOnPort, threadId } from 'node:worker_threads';
import { RegionViews } from '../src/core/tensor/region.js';
import { createKernel, probeKernels } from './kernels/registry.js';
import {
  control,
  cursorSlot,
  doorbell,
  mailbox,
  slotStride,
  stopReasons,
} from '../src/core/protocol/control.js';
import type { KernelProbe } from '../src/core/protocol/kernels.js';
import type { Job, WorkerReport, WorkerStart } from '../src/core/protocol/messages.js';
import { FailedUnit, takeUnits, type Worker } from './take-units.js';

/** What kernels this machine has; answering at all proves that workers can start. */
export function probe(): KernelProbe[] {
  return probeKernels();
}

/** Serves jobs until the pool closes. */
export function serve(start: WorkerStart): void {
  const views = new RegionViews(start.memory);
  const worker: Worker = { index: start.index, kernel: createKernel(start.kernel, views), views };
  const bell = new Int32Array(start.doorbell);
  report(start, { kind: 'ready', threadId });
  for (;;) {
    // The count is read before the port: a job posted in between has changed it by the time of the wait.
    const posted = Atomics.load(bell, slotStride * doorbell.posted);
    for (let next = receiveMessageOnPort(start.port); next; next = receiveMessageOnPort(start.port)) {
      runJob(next.message as Job, worker, start);
    }
    if (Atomics.load(bell, slotStride * doorbell.closing) !== 0) return;
    if (start.spinMs > 0 && spin(bell, posted, start.spinMs)) continue;
    Atomics.wait(bell, slotStride * doorbell.posted, posted);
  }
}

/** Looks at the bell for a while before sleeping on it; true if it rang. Waking a sleeper takes longer than a small job. */
function spin(bell: Int32Array, posted: number, spinMs: number): boolean {
  const end = performance.now() + spinMs;
  do {
    for (let look = 0; look < 64; look++) {
      if (Atomics.load(bell, slotStride * doorbell.posted) !== posted) return true;
    }
  } while (performance.now() < end);
  return false;
}

function runJob(job: Job, worker: Worker, start: WorkerStart): void {
  try {
    takeUnits(job, worker, () => {
      signal(start);
    });
  } catch (error) {
    if (!(error instanceof FailedUnit)) throw error;
    stopJob(job);
    const { phase, unit, cause } = error;
    const reason = cause instanceof Error ? cause : new Error(String(cause));
    report(start, { kind: 'failed', job: job.id, phase, unit, error: reason });
  }
  // The coordinator waits for the last worker to leave a stopped job.
  if (Atomics.load(new Int32Array(job.block), slotStride * control.stop) !== stopReasons.none) signal(start);
}

function stopJob(job: Job): void {
  const slots = new Int32Array(job.block);
  Atomics.compareExchange(slots, slotStride * control.stop, stopReasons.none, stopReasons.failed);
  job.phases.forEach((_, phase) => Atomics.notify(slots, slotStride * (cursorSlot(phase) + 1)));
}

function report(start: WorkerStart, message: WorkerReport): void {
  start.port.postMessage(message);
  signal(start);
}

// The coordinator reads ports and control blocks after the count has changed, so everything is written before it.
function signal(start: WorkerStart): void {
  const slots = new Int32Array(start.mailbox);
  Atomics.add(slots, slotStride * mailbox.signals, 1);
  Atomics.notify(slots, slotStride * mailbox.signals);
}
