// Admission: which calls may take memory and workers now, which wait for that, and which are refused. It keeps count of
// calls and of the bytes that they were predicted to take, and knows nothing else of them.
import type { Priority } from '../core/protocol/messages.js';
import { HeadpoolError } from '../core/errors.js';
import { overLimit } from '../core/tensor/arena.js';
import { formatMiB } from '../core/tensor/shared-memory.js';
import type { ResolvedEngineOptions } from './engine-options.js';
import { onAbort } from './on-abort.js';

/** What an engine's options allow calls to take together. */
export type CallLimits = Pick<
  ResolvedEngineOptions,
  'maxQueue' | 'maxQueueBytes' | 'memoryLimitBytes' | 'whenFull'
>;

export interface AdmissionLimits extends CallLimits {
  /** What memory can hold, whatever is allowed. */
  readonly capacityBytes: number;
}

export interface AdmissionRequest {
  /** Working memory and results that the call will take. */
  readonly bytes: number;
  readonly priority: Priority;
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined;
}

/** A call that was let in. */
export interface Admitted {
  readonly waitedMs: number;
  /** Makes room for others; once. */
  leave(): void;
}

interface Waiter extends AdmissionRequest {
  readonly sinceMs: number;
  readonly admit: (call: Admitted) => void;
  readonly refuse: (reason: Error) => void;
}

// So that a stream of interactive calls can't hold one of 'batch' back for ever.
const mostOvertaking = 64;

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #residentBytes: () => number;
  readonly #waiting: Readonly<Record<Priority, Waiter[]>> = { interactive: [], batch: [] };
  #openCalls = 0;
  #openBytes = 0;
  /** Interactive calls in a row that were let in while one of 'batch' waited. */
  #overtaking = 0;
  #whenIdle: (() => void)[] = [];

  /** @param residentBytes what lies in memory now that is no call's: packed weights and caches */
  constructor(limits: AdmissionLimits, residentBytes: () => number) {
    this.#limits = limits;
    this.#residentBytes = residentBytes;
  }

  get openCalls(): number {
    return this.#openCalls;
  }

  get openBytes(): number {
    return this.#openBytes;
  }

  get waitingCalls(): number {
    return this.#waiting.interactive.length + this.#waiting.batch.length;
  }

  /**
   * Lets a call in where there is room and nobody before it; else it waits for its turn, or is refused. The caller takes
   * its memory as soon as it is let in, and not a turn later: layers and caches may take what is still free.
   * @throws MEMORY_LIMIT if it could never be let in, QUEUE_FULL if it can't be now; the signal's reason
   */
  enter(request: AdmissionRequest): Admitted | Promise<Admitted> {
    const { bytes, priority, signal } = request;
    signal?.throwIfAborted();
    if (bytes > this.#mostAlone()) throw this.#tooLarge(bytes);
    const hasRoom = this.#hasRoom(bytes);
    if (hasRoom && this.#isNext(priority)) return this.#open(request, 0);
    if (!hasRoom && this.#limits.whenFull === 'error') throw this.#full(bytes);
    return this.#wait(request);
  }

  /** Refuses all that wait, each with an error of its own. */
  refuseWaiting(reason: () => HeadpoolError): void {
    for (const queue of Object.values(this.#waiting)) {
      for (const waiter of queue.splice(0)) waiter.refuse(reason());
    }
  }

  /** Resolves once no call is open or waits. */
  async drain(): Promise<void> {
    if (this.#openCalls === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle.push(resolve);
    });
  }

  #wait(request: AdmissionRequest): Promise<Admitted> {
    const { priority, signal } = request;
    const queue = this.#waiting[priority];
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        ...request,
        sinceMs: performance.now(),
        admit: (call) => {
          stopListening?.();
          resolve(call);
        },
        refuse: (reason) => {
          stopListening?.();
          reject(reason);
        },
      };
      const stopListening =
        signal &&
        onAbort(signal, () => {
          queue.splice(queue.indexOf(waiter), 1);
          waiter.refuse(signal.reason as Error);
          // It may have been the one that all others waited behind.
          this.#admitWaiting();
        });
      queue.push(waiter);
    });
  }

  /** Lets in who waits, in their order: where the next one finds no room, nobody behind it is let in. */
  #admitWaiting(): void {
    for (let queue = this.#nextQueue(); queue !== undefined; queue = this.#nextQueue()) {
      const waiter = queue[0]!;
      const hasRoom = this.#hasRoom(waiter.bytes);
      if (!hasRoom && this.#openCalls > 0) return;
      queue.shift();
      if (hasRoom) waiter.admit(this.#open(waiter, performance.now() - waiter.sinceMs));
      // Nobody is left who could make room: a layer or a cache has taken it meanwhile.
      else waiter.refuse(this.#tooLarge(waiter.bytes));
    }
    if (this.#openCalls === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #nextQueue(): Waiter[] | undefined {
    const { interactive, batch } = this.#waiting;
    const isBatchDue = interactive.length === 0 || this.#overtaking >= mostOvertaking;
    if (batch.length > 0 && isBatchDue) return batch;
    return interactive.length > 0 ? interactive : undefined;
  }

  /** Whether a call that comes now is before all that wait. */
  #isNext(priority: Priority): boolean {
    const { interactive, batch } = this.#waiting;
    if (interactive.length > 0) return false;
    return batch.length === 0 || (priority === 'interactive' && this.#overtaking < mostOvertaking);
  }

  #open({ bytes, priority }: AdmissionRequest, waitedMs: number): Admitted {
    this.#openCalls++;
    this.#openBytes += bytes;
    const overtakes = priority === 'interactive' && this.#waiting.batch.length > 0;
    this.#overtaking = overtakes ? this.#overtaking + 1 : 0;
    let isOpen = true;
    return {
      waitedMs,
      leave: () => {
        if (!isOpen) return;
        isOpen = false;
        this.#openCalls--;
        this.#openBytes -= bytes;
        this.#admitWaiting();
      },
    };
  }

  /** Bytes that a call may take when no other one is open. */
  #mostAlone(): number {
    return this.#limits.memoryLimitBytes - this.#residentBytes();
  }

  /** Bytes that several calls may hold together. */
  #mostTogether(): number {
    const { maxQueueBytes, memoryLimitBytes, capacityBytes } = this.#limits;
    return Math.min(maxQueueBytes, Math.min(memoryLimitBytes, capacityBytes) - this.#residentBytes());
  }

  #hasRoom(bytes: number): boolean {
    if (this.#openCalls === 0) return bytes <= this.#mostAlone();
    return this.#openCalls < this.#limits.maxQueue && this.#openBytes + bytes <= this.#mostTogether();
  }

  /** The error of a call that has no room even alone. */
  #tooLarge(bytes: number): HeadpoolError {
    return overLimit(bytes, this.#residentBytes(), this.#limits.memoryLimitBytes);
  }

  /** The error of a call that has no room beside those that are open. */
  #full(bytes: number): HeadpoolError {
    const { maxQueue } = this.#limits;
    const message =
      this.#openCalls >= maxQueue
        ? `Expected fewer than ${maxQueue} open calls (maxQueue)`
        : `The call needs ${formatMiB(bytes)} beside the ${formatMiB(this.#openBytes)} of open calls, which ` +
          `may hold ${formatMiB(this.#mostTogether())} together (maxQueueBytes, memoryLimitBytes)`;
    return new HeadpoolError('QUEUE_FULL', message);
  }
}
