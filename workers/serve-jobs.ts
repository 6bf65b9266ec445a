// A worker's life. It stays inside one piscina task for as long as the pool lives: jobs arrive on a port, a bell in shared
// memory wakes it. One task for many jobs, because a piscina task costs several times a wake-up.
import { receiveMessageOnPort, threadId } from 'node:worker_threads';
import { RegionViews } from '../src/core/tensor/region.js';
import {
  control,
  cursorSlot,
  doorbell,
  mailbox,
  slotStride,
  stopReasons,
} from '../src/core/protocol/control.js';
import type { Job, WorkerReport, WorkerStart } from '../src/core/protocol/messages.js';
import type { JobKernel, Kernel } from './kernels/kernel.js';
import { FailedWork } from './failed-work.js';
import { takeJob } from './take-job.js';
import { takeUnits } from './take-units.js';

/** Serves jobs until the pool closes. */
export async function serveJobs(
  start: WorkerStart,
  create: (views: RegionViews) => Kernel | JobKernel,
): Promise<void> {
  const views = new RegionViews(start.memory);
  const kernel = create(views);
  const worker = { index: start.index, views };
  const onComplete = (): void => {
    signal(start);
  };
  const bell = new Int32Array(start.doorbell);
  const slot = slotStride * doorbell.posted;
  report(start, { kind: 'ready', threadId });
  for (;;) {
    // The count is read before the port: a job posted in between has changed it by the time of the wait.
    const posted = Atomics.load(bell, slot);
    for (let next = receiveMessageOnPort(start.port); next; next = receiveMessageOnPort(start.port)) {
      const job = next.message as Job;
      if ('run' in kernel) {
        // Several jobs may be under way: what one of them waits for, another need not.
        void takeJob(job, { ...worker, kernel }, onComplete).then(
          () => {
            leave(job, start);
          },
          (error: unknown) => {
            fail(job, start, error);
          },
        );
      } else {
        try {
          takeUnits(job, { ...worker, kernel }, onComplete);
          leave(job, start);
        } catch (error) {
          fail(job, start, error);
        }
      }
    }
    if (Atomics.load(bell, slotStride * doorbell.closing) !== 0) return;
    if ('run' in kernel) {
      const waiting = Atomics.waitAsync(bell, slot, posted);
      if (waiting.async) await waiting.value;
    } else if (start.spinMs === 0 || !spin(bell, posted, start.spinMs)) {
      Atomics.wait(bell, slot, posted);
    }
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

/** The coordinator waits for the last worker to leave a stopped job. */
function leave(job: Job, start: WorkerStart): void {
  if (Atomics.load(new Int32Array(job.block), slotStride * control.stop) !== stopReasons.none) signal(start);
}

/** Stops the job for all workers and says why. What is no failure of its work is one of the worker. */
function fail(job: Job, start: WorkerStart, error: unknown): void {
  if (!(error instanceof FailedWork)) throw error;
  const slots = new Int32Array(job.block);
  Atomics.compareExchange(slots, slotStride * control.stop, stopReasons.none, stopReasons.failed);
  job.phases.forEach((_, phase) => Atomics.notify(slots, slotStride * (cursorSlot(phase) + 1)));
  const { place, cause } = error;
  const reason = cause instanceof Error ? cause : new Error(String(cause));
  report(start, { kind: 'failed', job: job.id, place, error: reason });
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
