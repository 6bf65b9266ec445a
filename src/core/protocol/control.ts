// The slots of the block of shared memory that a job is controlled by, and the clock that both sides read.
// Whoever reads or writes a slot says which order it relies on.

/** Int32 slots are this far apart, so that no two counters share a cache line (or a pair of prefetched ones). */
export const slotStride = 32;

/** Slots of the block that the coordinator waits on: one for the whole pool. */
export const mailbox = {
  /** Grows whenever a worker has something to say: ready, job complete, job left. */
  signals: 0,
  slots: 1,
} as const;

/** Slots of a job's control block, in units of `slotStride` Int32. */
export const control = {
  /** 0 while the job runs, else why its workers must stop. */
  stop: 0,
  /** Set to 1 by whoever finishes the last unit of the last phase. */
  complete: 1,
  /** The phase whose units can be taken; the one who finishes its last unit moves it on. */
  phase: 2,
  /** Counts how often the job was made ready to run again. */
  run: 3,
  /** `phaseSlots.count` slots a phase. */
  phases: 4,
} as const;

const stopReasons = { none: 0, cancelled: 1, failed: 2 } as const;
export type StopReason = Exclude<keyof typeof stopReasons, 'none'>;

/** What a unit's mark says; one byte a unit. */
export const marks = { free: 0, taken: 1, done: 2 } as const;

/** Slots of a phase. */
const phaseSlots = {
  /** The next unit to take. */
  cursor: 0,
  /** Units done. */
  done: 1,
  /** Microseconds that units took, all workers together. */
  computed: 2,
  count: 3,
} as const;

export function phaseSlot(phase: number, name: Exclude<keyof typeof phaseSlots, 'count'>): number {
  return control.phases + phaseSlots.count * phase + phaseSlots[name];
}

/** The slot that is 1 while participant `index` may touch the job's buffers. */
export function presenceSlot(phaseCount: number, index: number): number {
  return control.phases + phaseSlots.count * phaseCount + index;
}

/** Whether the workers of a job must leave it. */
export function isStopped(slots: Int32Array): boolean {
  return Atomics.load(slots, slotStride * control.stop) !== stopReasons.none;
}

/** Makes the workers of a job leave it, unless they were to leave it already. */
export function stop(slots: Int32Array, kind: StopReason): void {
  Atomics.compareExchange(slots, slotStride * control.stop, stopReasons.none, stopReasons[kind]);
}

/** Whether the job needs nobody any more. */
export function isOver(slots: Int32Array): boolean {
  return Atomics.load(slots, slotStride * control.complete) !== 0 || isStopped(slots);
}

/** Milliseconds of the monotonic clock that all threads of the process share, unlike `performance.now`. */
export function sharedClockMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
