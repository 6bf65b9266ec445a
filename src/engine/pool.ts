// The worker threads: started, woken, listened to, replaced and ended. The one file that imports piscina.
//
// Each worker sits in one piscina task for as long as the pool lives and waits on a bell in shared memory; jobs reach
// it through a port. A piscina task a job would cost 76 µs where a bell and a port cost about 25.
import { MessageChannel, receiveMessageOnPort, type MessagePort, type Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { HeadpoolError } from '../core/errors.js';
import { readMachineLimits } from '../core/machine/machine-limits.js';
import { Activity } from '../core/protocol/activity.js';
import { Bells } from '../core/protocol/bells.js';
import { mailbox, slotStride } from '../core/protocol/control.js';
import { DeviceCounters, type DeviceCounts } from '../core/protocol/device-counters.js';
import type { Device, KernelProbe, KernelTraits } from '../core/protocol/kernels.js';
import type { MessageToWorker, WorkerReport, WorkerStart } from '../core/protocol/messages.js';
import type { HelpingThread, HelpStart, WorkerModule } from '../core/protocol/worker-module.js';

// Starting a thread takes about 50 ms; a worker that isn't ready after this long never will be.
const startTimeoutMs = 30_000;
// A worker that dies this often without ever getting ready is broken, not unlucky.
const mostFailedStarts = 3;

// A worker that has just finished looks for the next job this long before it sleeps: long enough for a caller that
// awaits one small call after another. One core stays free for the host's own thread.
const spinMs = 0.2;
const spinners = readMachineLimits().threads - 1;

export interface PoolListener {
  /** A worker finished or left a job, or something was reported. Look at the jobs' control blocks. */
  onSignal(): void;
  onReport(worker: number, report: WorkerReport): void;
  /** Worker `index` ended; jobs that it was in are lost. A new one takes its place unless the pool is broken. */
  onLost(index: number, reason: unknown): void;
  /** A worker took its seat, at the start or in place of a lost one; it knows nothing of the open jobs. */
  onReady(index: number): void;
  /** No worker can be started any more. */
  onBroken(reason: unknown): void;
}

interface Seat {
  port: MessagePort | undefined;
  /** Counts the threads that have been in this seat. */
  generation: number;
  isReady: boolean;
  /** The worker in this seat, once it is ready. */
  thread: Worker | undefined;
  /** Why it was ended, where it was. */
  endReason: Error | undefined;
  failedStarts: number;
  /** Settles when the worker in this seat ends. */
  serving: Promise<unknown>;
  whenReady: () => void;
}

export interface PoolOptions {
  readonly threads: number;
  /** Where the worker's module is, with what threads load first beside it. */
  readonly workerUrl: URL;
  /** The module that takes its place; tests give broken ones. */
  readonly moduleUrl?: URL;
}

/** What all workers compute with. */
export type WorkerKernel = Pick<WorkerStart, 'kernel' | 'instructionSet'>;

export class WorkerPool {
  readonly #piscina: Piscina;
  readonly #seats: Seat[];
  readonly #moduleUrl: URL;
  readonly #bells: Bells;
  readonly #activity: Activity;
  readonly #counters = new DeviceCounters();
  readonly #mailbox = new Int32Array(new SharedArrayBuffer(mailbox.slots * slotStride * 4));
  #kernel: WorkerKernel = { kernel: 'reference', instructionSet: 'JavaScript' };
  #memory: WebAssembly.Memory | undefined;
  #listener: PoolListener | undefined;
  /** Whether threads give back what they own before they are ended. */
  #endThemselves = false;
  #isClosing = false;

  constructor({ threads, workerUrl, moduleUrl = workerUrl }: PoolOptions) {
    this.#piscina = new Piscina({
      filename: new URL('entry.cjs', workerUrl).href,
      workerData: { module: moduleUrl.href },
      name: 'serve',
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      atomics: 'disabled',
      recordTiming: false,
      workerHistogram: false,
    });
    this.#moduleUrl = moduleUrl;
    this.#bells = Bells.create(threads);
    // One more for the calling thread.
    this.#activity = Activity.create(threads + 1);
    // Without a listener, an error in a worker between tasks would end the host process.
    this.#piscina.on('error', () => undefined);
    this.#seats = Array.from({ length: threads }, () => ({
      port: undefined,
      generation: 0,
      isReady: false,
      thread: undefined,
      endReason: undefined,
      failedStarts: 0,
      serving: Promise.resolve(),
      whenReady: () => undefined,
    }));
  }

  /** How many workers there are. */
  get size(): number {
    return this.#seats.length;
  }

  /** Leaves seats empty that no worker of the kernel may take; before the start. */
  suit({ mostWorkers, device }: Pick<KernelTraits, 'mostWorkers' | 'device'>): void {
    if (mostWorkers < this.#seats.length) this.#seats.length = mostWorkers;
    this.#endThemselves = device === 'gpu';
  }

  /** What kernels a worker finds here. @throws WORKER_START, within the time limit, if no worker can start */
  async probe(device: Device): Promise<KernelProbe[]> {
    try {
      return (await withTimeout(this.#piscina.run(device, { name: 'probe' }))) as KernelProbe[];
    } catch (cause) {
      await this.close();
      throw startFailed(cause);
    }
  }

  /** Puts every worker into its seat with the kernel chosen. @throws WORKER_START */
  async start(
    kernel: WorkerKernel,
    memory: WebAssembly.Memory | undefined,
    listener: PoolListener,
  ): Promise<void> {
    this.#kernel = kernel;
    this.#memory = memory;
    this.#listener = listener;
    void this.#listen();
    const ready = this.#seats.map((seat, index) => {
      const started = new Promise<void>((resolve) => {
        seat.whenReady = resolve;
      });
      return Promise.race([started, this.#serve(index)]);
    });
    try {
      await withTimeout(Promise.all(ready));
    } catch (cause) {
      await this.close();
      throw startFailed(cause);
    }
    // From now on a worker that ends is replaced.
    this.#seats.forEach((_, index) => void this.#keepServing(index));
  }

  /** Tells a worker something, and wakes it for a job; one that is still starting finds it later. */
  post(index: number, message: MessageToWorker): void {
    this.#seats[index]!.port?.postMessage(message);
    if (message.kind !== 'job') return;
    this.#activity.call(index);
    // After the message: a worker that sees the new count finds it.
    this.#bells.ring(index);
  }

  /** Calls a worker with the number of a job that it keeps; false if it has too many such calls to look at. */
  call(index: number, job: number): boolean {
    this.#activity.call(index);
    return this.#bells.call(index, job);
  }

  /** Tells one thread in a seat from the next one that takes it. */
  generation(index: number): number {
    return this.#seats[index]!.generation;
  }

  /** What the calling thread needs to take units as the workers do; null where the kernel takes none. */
  async openHelp(): Promise<HelpingThread | null> {
    const module = (await import(/* webpackIgnore: true */ this.#moduleUrl.href)) as WorkerModule;
    return module.help?.({ ...this.#shared(), index: this.size }) ?? null;
  }

  /** Milliseconds that each worker has computed. */
  busyMs(): number[] {
    return this.#seats.map((_, index) => this.#activity.busyMs(index));
  }

  /** What the device of a worker has been given and asked. */
  deviceCounts(): DeviceCounts {
    return this.#counters.read();
  }

  restartDevicePeak(): void {
    this.#counters.restartPeak();
  }

  /** When a worker began the unit that it computes, by the shared clock; 0 between units. */
  unitSince(index: number): number {
    return this.#activity.since(index);
  }

  /** Ends all workers; resolves once no thread is left. Open jobs must have been settled. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#bells.close(this.size);
    Atomics.add(this.#mailbox, slotStride * mailbox.signals, 1);
    Atomics.notify(this.#mailbox, slotStride * mailbox.signals);
    // Node aborts the process where a thread is ended in the middle of a call of a device's library.
    if (this.#endThemselves) {
      const ends = Promise.allSettled(this.#seats.map(({ serving }) => serving));
      await withTimeout(ends).catch(() => undefined);
    }
    await this.#piscina.destroy();
    for (const { port } of this.#seats) port?.close();
  }

  /** Ends worker `index` at once, as a crash would. */
  async terminate(index: number, reason?: Error): Promise<void> {
    const seat = this.#seats[index]!;
    seat.endReason ??= reason;
    if (!this.#endThemselves) {
      await seat.thread?.terminate();
      return;
    }
    // From outside it could be in the middle of a call of a device's library, where Node would abort the process.
    seat.port?.postMessage({ kind: 'end' } satisfies MessageToWorker);
    this.#bells.ring(index);
    await ended(seat.thread);
  }

  #serve(index: number): Promise<unknown> {
    const seat = this.#seats[index]!;
    seat.port?.close();
    const { port1, port2 } = new MessageChannel();
    seat.port = port1;
    seat.generation++;
    seat.isReady = false;
    seat.thread = undefined;
    seat.endReason = undefined;
    this.#activity.reset(index);
    this.#bells.reset(index);
    this.#counters.resetBuffers();
    const start: WorkerStart = {
      ...this.#shared(),
      index,
      mailbox: this.#mailbox.buffer,
      counters: this.#counters.block,
      spinMs: index < spinners ? spinMs : 0,
      port: port2,
    };
    seat.serving = this.#piscina.run(start, { transferList: [port2] });
    return seat.serving;
  }

  #shared(): Omit<HelpStart, 'index'> {
    const { block: bells } = this.#bells;
    return { ...this.#kernel, memory: this.#memory, bells, activity: this.#activity.block };
  }

  async #keepServing(index: number): Promise<void> {
    const seat = this.#seats[index]!;
    for (;;) {
      let reason: unknown;
      try {
        await seat.serving;
      } catch (error) {
        reason = seat.endReason ?? error;
      }
      if (this.#isClosing) return;
      // An error is told before the thread has ended, and until then native code may be writing.
      await ended(seat.thread);
      this.#drain(index);
      seat.failedStarts = seat.isReady ? 0 : seat.failedStarts + 1;
      this.#listener!.onLost(index, reason);
      if (seat.failedStarts >= mostFailedStarts) {
        this.#listener!.onBroken(reason);
        return;
      }
      void this.#serve(index).catch(() => undefined);
    }
  }

  // The count is read before the work that it announces: a signal given meanwhile changes it, and the wait returns.
  async #listen(): Promise<void> {
    const slot = slotStride * mailbox.signals;
    while (!this.#isClosing) {
      const count = Atomics.load(this.#mailbox, slot);
      this.#seats.forEach((_, index) => {
        this.#drain(index);
      });
      this.#listener!.onSignal();
      const waiting = Atomics.waitAsync(this.#mailbox, slot, count);
      if (waiting.async) await waiting.value;
    }
  }

  #drain(index: number): void {
    const seat = this.#seats[index]!;
    if (seat.port === undefined) return;
    for (let next = receiveMessageOnPort(seat.port); next; next = receiveMessageOnPort(seat.port)) {
      const report = next.message as WorkerReport;
      if (report.kind === 'ready') this.#welcome(index, seat, report.threadId);
      else this.#listener!.onReport(index, report);
    }
  }

  #welcome(index: number, seat: Seat, threadId: number): void {
    seat.isReady = true;
    seat.thread = this.#piscina.threads.find((thread) => thread.threadId === threadId);
    seat.whenReady();
    this.#listener!.onReady(index);
  }
}

async function ended(thread: Worker | undefined): Promise<void> {
  // -1 once it has ended. Not `once` of events, which rejects where the thread ends by an error.
  if (thread !== undefined && thread.threadId !== -1)
    await new Promise((resolve) => thread.once('exit', resolve));
}

function startFailed(cause: unknown): HeadpoolError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  // piscina looks for a file beside its own, by its path.
  const isSwallowed = cause instanceof Error && 'code' in cause && cause.code === 'MODULE_NOT_FOUND';
  const remedy = isSwallowed ? '. A bundle has to leave piscina outside (docs/bundling.md)' : '';
  return new HeadpoolError('WORKER_START', `The worker threads could not be started: ${reason}${remedy}`, {
    cause,
  });
}

async function withTimeout<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${startTimeoutMs / 1000} s`));
    }, startTimeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
