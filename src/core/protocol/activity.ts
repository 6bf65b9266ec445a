// What each worker is doing: when it was called, since when it computes its unit, and for how long it has computed so far.
import { sharedClockMs, slotStride } from './control.js';

// Doubles of a worker: whole cache lines.
const stride = slotStride / 2;

export class Activity {
  readonly block: SharedArrayBuffer;
  readonly #doubles: Float64Array;

  constructor(block: SharedArrayBuffer) {
    this.block = block;
    this.#doubles = new Float64Array(block);
  }

  static create(workers: number): Activity {
    return new Activity(new SharedArrayBuffer(workers * stride * 8));
  }

  /** A worker begins a unit, at a time by the shared clock. */
  begin(worker: number, nowMs: number): void {
    this.#doubles[worker * stride] = nowMs;
  }

  /** It has ended it. @returns when */
  end(worker: number): number {
    const now = sharedClockMs();
    const at = worker * stride;
    this.#doubles[at + 1]! += now - this.#doubles[at]!;
    this.#doubles[at] = 0;
    return now;
  }

  /** A job is handed to a worker. */
  call(worker: number): void {
    this.#doubles[worker * stride + 2] = sharedClockMs();
  }

  /** When a job was last handed to it. */
  calledMs(worker: number): number {
    return this.#doubles[worker * stride + 2]!;
  }

  /** A new worker takes the seat of one that may have ended in its unit. */
  reset(worker: number): void {
    this.#doubles[worker * stride] = 0;
  }

  /** When the worker began the unit that it computes, by the shared clock; 0 between units. */
  since(worker: number): number {
    return this.#doubles[worker * stride]!;
  }

  /** Milliseconds that the worker has computed. */
  busyMs(worker: number): number {
    return this.#doubles[worker * stride + 1]!;
  }
}
