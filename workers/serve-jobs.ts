// A worker's life. It stays inside one piscina task for as long as the pool lives: jobs arrive on a port, a bell in shared
// memory wakes it. One task for many jobs, because a piscina task costs several times a wake-up.
import { receiveMessageOnPort, threadId } from 'node:worker_threads';
import { HeadpoolError } from '../src/core/errors.js';
import { Activity } from '../src/core/protocol/activity.js';
import { Bells } from '../src/core/protocol/bells.js';
import { isStopped, mailbox, sharedClockMs, slotStride, stop } from '../src/core/protocol/control.js';
import type { Job, MessageToWorker, WorkerReport, WorkerStart } from '../src/core/protocol/messages.js';
import { createBallast } from '../src/core/tensor/ballast.js';
import { RegionViews } from '../src/core/tensor/region.js';
import { Arrivals } from './arrivals.js';
import { FailedWork } from './failed-work.js';
import { FairOrder } from './fair-order.js';
import type { JobKernel, Kernel } from './kernels/kernel.js';
import { OpenParts } from './open-parts.js';
import { takeJob, type JobWorker } from './take-job.js';
import type { Progress } from '../src/core/protocol/worker-module.js';
import { UnitJob } from './unit-job.js';

// Where a job waits for the units that other workers hold, they are done before a sleeper would have been woken.
const barrierSpinMs = 0.1;

/** Serves jobs until the pool closes. */
export async function serveJobs(
  start: WorkerStart,
  create: (views: RegionViews) => Kernel | JobKernel | Promise<JobKernel>,
): Promise<void> {
  const views = new RegionViews(start.memory);
  const kernel = await create(views);
  report(start, { kind: 'ready', threadId });
  if ('run' in kernel) await serveWholeJobs(start, kernel);
  else serveUnits(start, kernel, views);
}

function serveUnits(start: WorkerStart, kernel: Kernel, views: RegionViews): void {
  const { index } = start;
  const bells = new Bells(start.bells);
  const worker = { index, kernel, views, bells, activity: new Activity(start.activity) };
  const open = new FairOrder<UnitJob>();
  const kept = new Map<number, UnitJob>();
  const arrivals = new Arrivals();
  const onComplete = (): void => {
    signal(start);
  };
  for (;;) {
    // The count is read before the port: whatever is news after that has changed it by the time of the wait.
    const rung = bells.rung(index);
    for (const message of messagesOf(start)) {
      if (message.kind === 'forget') kept.delete(message.job);
      if (message.kind !== 'job') continue;
      const job = new UnitJob(message.job, worker);
      if (message.job.isKept) kept.set(message.job.id, job);
      open.add(job);
    }
    for (const id of bells.heard(index)) {
      const job = kept.get(id);
      if (job !== undefined && !open.has(job)) open.add(job);
    }
    if (bells.isClosing) return;
    const isQuiet = (): boolean => bells.rung(index) === rung;
    if (takeSomeUnits(open, isQuiet, onComplete, start)) continue;
    waitForNews(bells, start, { rung, isIdle: open.size === 0, arrivals });
    arrivals.note(worker.activity.calledMs(index));
  }
}

interface Wait {
  readonly rung: number;
  /** Whether no job waits for other workers. */
  readonly isIdle: boolean;
  readonly arrivals: Arrivals;
}

function waitForNews(bells: Bells, { index, spinMs }: WorkerStart, { rung, isIdle, arrivals }: Wait): void {
  const lookMs = isIdle ? spinMs : Math.max(spinMs, barrierSpinMs);
  if (lookMs > 0 && bells.look(index, rung, lookMs)) return;
  const next = isIdle && spinMs > 0 ? arrivals.expect(sharedClockMs()) : undefined;
  if (next !== undefined) {
    bells.sleep(index, rung, next.sleepMs);
    if (bells.look(index, rung, next.lookMs)) return;
  }
  bells.sleep(index, rung);
}

/** Takes units of the first job that has one, until it is another's turn or there is news; false if none has. */
function takeSomeUnits(
  open: FairOrder<UnitJob>,
  isQuiet: () => boolean,
  onComplete: () => void,
  start: WorkerStart,
): boolean {
  for (const job of open.next()) {
    let progress: Progress;
    let lastMs = sharedClockMs();
    const mayGoOn = (nowMs: number): boolean => {
      const staysWith = open.spend(job, nowMs - lastMs);
      lastMs = nowMs;
      return staysWith && isQuiet();
    };
    try {
      progress = job.takeUnits(mayGoOn, onComplete);
    } catch (error) {
      fail(job.job, start, error);
      progress = 'over';
    }
    if (job.isStopped) signal(start);
    if (progress === 'over') open.remove(job);
    if (progress === 'went on') return true;
  }
  return false;
}

/** Several jobs may be under way: what one of them waits for, another need not. @throws where the device is lost */
async function serveWholeJobs(start: WorkerStart, kernel: JobKernel): Promise<void> {
  const { index } = start;
  const bells = new Bells(start.bells);
  const parts = new OpenParts(new Activity(start.activity), index);
  const worker: JobWorker = { index, kernel, parts, isEnding: false };
  /** What each is about to the garbage collector. */
  const underWay = new Map<Promise<void>, ArrayBuffer | undefined>();
  let lost: Error | undefined;
  void kernel.lost?.then((reason) => {
    lost = reason;
    bells.ring(index);
  });
  const onComplete = (): void => {
    signal(start);
  };
  const take = async (job: Job): Promise<void> => {
    try {
      await takeJob(job, worker, onComplete);
    } catch (error) {
      if (worker.isEnding) return;
      fail(job, start, error);
    }
    if (isStopped(new Int32Array(job.block))) signal(start);
  };
  /** Dawn ends the process where a thread ends that waits for a device: jobs fail when that is closed, but not at once. */
  const close = async (): Promise<void> => {
    await kernel.close?.();
    await Promise.all(underWay.keys());
  };
  for (;;) {
    const rung = bells.rung(index);
    if (lost !== undefined) {
      // Each has failed for that reason, and says so before the thread ends.
      await Promise.all(underWay.keys());
      await endThread(lost);
    }
    for (const message of messagesOf(start)) {
      if (message.kind === 'end') {
        worker.isEnding = true;
        await close();
        await endThread(new Error('it was told to end'));
      }
      if (message.kind === 'release') kernel.release?.(message.regions);
      if (message.kind !== 'job') continue;
      const taken = take(message.job);
      underWay.set(taken, createBallast(message.job.looseBytes));
      void taken.then(() => underWay.delete(taken));
    }
    if (bells.isClosing) return close();
    await bells.waitAsync(index, rung);
  }
}

/** Ends the thread as an error that nobody expects does, so that another takes its place. */
function endThread(reason: Error): Promise<never> {
  return new Promise(() => {
    setImmediate(() => {
      throw reason;
    });
  });
}

function* messagesOf({ port }: WorkerStart): Generator<MessageToWorker> {
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
    yield next.message as MessageToWorker;
  }
}

/** Stops the job for all workers and says why. What is no failure of its work is one of the worker. */
function fail(job: Job, start: WorkerStart, error: unknown): void {
  if (!(error instanceof FailedWork)) throw error;
  stop(new Int32Array(job.block), 'failed');
  const { place, cause } = error;
  const reason = cause instanceof Error ? cause : new Error(String(cause));
  const code = cause instanceof HeadpoolError ? { code: cause.code } : {};
  report(start, { kind: 'failed', job: job.id, place, error: reason, ...code });
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
