// The bells that workers wait on between units, one a worker in one block of shared memory: whoever has news for a worker
// rings, be it the coordinator with a job or another worker with a phase that can be taken now. A ring costs no system call
// unless the worker sleeps.
import { slotStride } from './control.js';

/** Slots of a worker's bell, in units of `slotStride` Int32. */
const slot = {
  /** Counts the rings; the worker waits for it to change. */
  rung: 0,
  /** 1 from before the worker sleeps until after. */
  asleep: 1,
  /** Calls of kept jobs, written and read so far; the numbers of the jobs lie in the slots after them. */
  called: 2,
  heard: 3,
  calls: 4,
} as const;

// Int32 numbers that lie side by side, in whole slots: a power of two.
const mostCalls = 4 * slotStride;
const bellInts = slot.calls * slotStride + mostCalls;

export class Bells {
  readonly block: SharedArrayBuffer;
  readonly #ints: Int32Array;
  /** Set for all workers at once. */
  readonly #closing: number;

  constructor(block: SharedArrayBuffer) {
    this.block = block;
    this.#ints = new Int32Array(block);
    this.#closing = this.#ints.length - slotStride;
  }

  static create(workers: number): Bells {
    return new Bells(new SharedArrayBuffer((workers * bellInts + slotStride) * 4));
  }

  ring(worker: number): void {
    Atomics.add(this.#ints, this.#at(worker, slot.rung), 1);
    // After the count: a worker that isn't asleep yet looks at the count before it sleeps.
    if (Atomics.load(this.#ints, this.#at(worker, slot.asleep)) !== 0) {
      Atomics.notify(this.#ints, this.#at(worker, slot.rung));
    }
  }

  /** Rings with the number of a job that the worker keeps; false if it has too many to hear. */
  call(worker: number, job: number): boolean {
    const called = Atomics.load(this.#ints, this.#at(worker, slot.called));
    if (((called - Atomics.load(this.#ints, this.#at(worker, slot.heard))) | 0) >= mostCalls) return false;
    this.#ints[this.#callAt(worker, called)] = job;
    Atomics.store(this.#ints, this.#at(worker, slot.called), called + 1);
    this.ring(worker);
    return true;
  }

  /** Takes the numbers that the worker was called with. */
  heard(worker: number): number[] {
    const called = Atomics.load(this.#ints, this.#at(worker, slot.called));
    let heard = Atomics.load(this.#ints, this.#at(worker, slot.heard));
    if (heard === called) return none;
    const jobs: number[] = [];
    for (; heard !== called; heard = (heard + 1) | 0) jobs.push(this.#ints[this.#callAt(worker, heard)]!);
    Atomics.store(this.#ints, this.#at(worker, slot.heard), heard);
    return jobs;
  }

  /** A new worker takes the seat: what its predecessor was called with is nothing to it. */
  reset(worker: number): void {
    Atomics.store(
      this.#ints,
      this.#at(worker, slot.heard),
      Atomics.load(this.#ints, this.#at(worker, slot.called)),
    );
    Atomics.store(this.#ints, this.#at(worker, slot.asleep), 0);
  }

  /** Rings so far: to be read before looking for news, and handed to the wait. */
  rung(worker: number): number {
    return Atomics.load(this.#ints, this.#at(worker, slot.rung));
  }

  /** Looks for `ms` whether the bell was rung since `rung`. */
  look(worker: number, rung: number, ms: number): boolean {
    const end = performance.now() + ms;
    do {
      for (let look = 0; look < 64; look++) if (this.rung(worker) !== rung) return true;
    } while (performance.now() < end);
    return false;
  }

  /** Sleeps until the bell is rung, for `ms` at most; not at all if it was since `rung`. */
  sleep(worker: number, rung: number, ms = Infinity): void {
    this.#asleep(worker, 1);
    Atomics.wait(this.#ints, this.#at(worker, slot.rung), rung, ms);
    this.#asleep(worker, 0);
  }

  /** The same for a thread whose event loop goes on meanwhile. */
  async waitAsync(worker: number, rung: number): Promise<void> {
    this.#asleep(worker, 1);
    const waiting = Atomics.waitAsync(this.#ints, this.#at(worker, slot.rung), rung);
    if (waiting.async) await waiting.value;
    this.#asleep(worker, 0);
  }

  /** Makes all workers return from serving. */
  close(workers: number): void {
    Atomics.store(this.#ints, this.#closing, 1);
    for (let worker = 0; worker < workers; worker++) this.ring(worker);
  }

  get isClosing(): boolean {
    return Atomics.load(this.#ints, this.#closing) !== 0;
  }

  #asleep(worker: number, value: 0 | 1): void {
    Atomics.store(this.#ints, this.#at(worker, slot.asleep), value);
  }

  /** Where call number n of a worker lies; the count starts again at -2³¹. */
  #callAt(worker: number, n: number): number {
    return this.#at(worker, slot.calls) + (n & (mostCalls - 1));
  }

  #at(worker: number, index: number): number {
    return worker * bellInts + index * slotStride;
  }
}

const none: number[] = [];
