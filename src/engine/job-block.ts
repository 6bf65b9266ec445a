// The block of shared memory of a job, as the coordinator sees it: control slots, clocks, and every phase's tables.
import {
  control,
  isOver,
  isStopped,
  marks,
  phaseSlot,
  presenceSlot,
  slotStride,
  stop,
  type StopReason,
} from '../core/protocol/control.js';
import type { Job } from '../core/protocol/messages.js';
import type { Work } from '../core/protocol/work.js';
import { unitWords } from '../core/protocol/tables.js';
import { flopOf, type PlannedPhase } from './assemble/assembly.js';
import { countLooseBytes } from './loose-bytes.js';
import type { PhasePlan } from './plan/units.js';

/** Whether units change what they read, or add to what is there: one that was begun can't be run again. */
function isInPlace(work: Work): boolean {
  return work.kind === 'rotate' || ('weights' in work && work.weights?.isAdded === true);
}

export type JobSetup = Pick<Job, 'id' | 'workers' | 'priority' | 'isKept' | 'isResident'>;

/** From the start of a phase's first unit to the end of its last one. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
  /** What its units took, all workers together. */
  readonly computedMs: number;
}

export class JobBlock {
  readonly description: Job;
  readonly phases: readonly PlannedPhase[];
  /** Of all phases together. */
  readonly flop: number;
  readonly #participants: number;
  readonly #slots: Int32Array;
  readonly #bytes: Int8Array;

  /** @param participants how many threads may take part in jobs, whatever the index of each */
  constructor(phases: readonly PlannedPhase[], participants: number, setup: JobSetup) {
    this.phases = phases;
    this.flop = flopOf(phases);
    this.#participants = participants;
    this.description = layOut(phases, participants, setup);
    this.#slots = new Int32Array(this.description.block, 0, this.description.clockAt / 4);
    this.#bytes = new Int8Array(this.description.block);
  }

  get isComplete(): boolean {
    return this.#load(control.complete) !== 0;
  }

  get isStopped(): boolean {
    return isStopped(this.#slots);
  }

  get isOver(): boolean {
    return isOver(this.#slots);
  }

  /** The phase whose units can be taken. */
  get phase(): number {
    return this.#load(control.phase);
  }

  isPresent(index: number): boolean {
    return this.#load(presenceSlot(this.phases.length, index)) !== 0;
  }

  /** Whether anybody may touch the block or the job's buffers, those in `ended` aside. */
  isEntered(ended?: ReadonlySet<number>): boolean {
    for (let index = 0; index < this.#participants; index++) {
      if (this.isPresent(index) && ended?.has(index) !== true) return true;
    }
    return false;
  }

  /** Takes note that a worker is to be told when a phase can be taken; before it is called. */
  noteCalled(worker: number): void {
    Atomics.store(this.#bytes, this.description.calledAt + worker, 1);
  }

  stop(kind: StopReason): void {
    stop(this.#slots, kind);
  }

  /**
   * Makes a complete job ready to run again; false where somebody is still in it, those in `ended` aside. Who enters then
   * finds it complete and leaves, until it is opened.
   */
  reset(ended: ReadonlySet<number> = new Set()): boolean {
    if (this.isEntered(ended)) return false;
    // Their presence was not taken back.
    for (const index of ended) this.#store(presenceSlot(this.phases.length, index), 0);
    this.description.phases.forEach(({ marksAt, unitCount }, phase) => {
      this.#bytes.fill(marks.free, marksAt, marksAt + unitCount);
      for (const name of ['cursor', 'done', 'computed'] as const) this.#store(phaseSlot(phase, name), 0);
    });
    const { calledAt } = this.description;
    this.#bytes.fill(0, calledAt, calledAt + this.#participants);
    this.#store(control.phase, 0);
    this.#store(control.run, this.#load(control.run) + 1);
    return true;
  }

  /** Lets workers in, once what the job reads is in its place. */
  open(): void {
    this.#store(control.complete, 0);
  }

  /** When each phase began and ended, by the shared clock; 0 for what has not happened. */
  spans(): Span[] {
    const { block, clockAt } = this.description;
    const clock = new Float64Array(block, clockAt, 2 * this.phases.length);
    return this.phases.map((_, phase) => ({
      startMs: clock[2 * phase]!,
      endMs: clock[2 * phase + 1]!,
      computedMs: this.#load(phaseSlot(phase, 'computed')) / 1e3,
    }));
  }

  /**
   * What is left of a job that was stopped and that everybody has left, by the index of its phase: the rest of one, and all
   * after it. Null where a unit was begun that can't be run again.
   */
  rest(): ReadonlyMap<number, PlannedPhase> | null {
    const left = new Map<number, PlannedPhase>();
    for (let index = this.phase; index < this.phases.length; index++) {
      const phase = this.phases[index]!;
      const { marksAt, unitCount } = this.description.phases[index]!;
      const ofPhase = this.#bytes.subarray(marksAt, marksAt + unitCount);
      if (isInPlace(phase.work) && ofPhase.includes(marks.taken)) return null;
      left.set(index, { ...phase, ...planOf(phase, (unit) => ofPhase[unit] !== marks.done) });
    }
    return left;
  }

  #load(slot: number): number {
    return Atomics.load(this.#slots, slotStride * slot);
  }

  #store(slot: number, value: number): void {
    Atomics.store(this.#slots, slotStride * slot, value);
  }
}

/** The plan of some units of a phase. */
function planOf({ units, unitCount, unitFlop }: PhasePlan, isLeft: (index: number) => boolean): PhasePlan {
  const left = Array.from({ length: unitCount }, (_, index) => index).filter(isLeft);
  const table = new Int32Array(left.length * unitWords);
  left.forEach((index, n) => {
    table.set(units.subarray(index * unitWords, (index + 1) * unitWords), n * unitWords);
  });
  const flops = Float64Array.from(left, (index) => unitFlop[index]!);
  return {
    units: table,
    unitCount: left.length,
    unitFlop: flops,
    flop: flops.reduce((sum, flop) => sum + flop, 0),
  };
}

/** Control slots, clock, and every phase's tables, all at multiples of 8 bytes. */
function layOut(phases: readonly PlannedPhase[], participants: number, setup: JobSetup): Job {
  const clockAt = presenceSlot(phases.length, participants) * slotStride * 4;
  let end = clockAt + 2 * phases.length * 8;
  const tables: { readonly at: number; readonly table: Int32Array | Float64Array }[] = [];
  const reserve = (byteLength: number): number => {
    const at = end;
    end += Math.ceil(byteLength / 8) * 8;
    return at;
  };
  const place = (table: Int32Array | Float64Array): number => {
    const at = reserve(table.byteLength);
    tables.push({ at, table });
    return at;
  };
  const calledAt = reserve(participants);
  const described = phases.map(({ units, unitCount, flop, entries, work }) => ({
    unitsAt: place(units),
    unitCount,
    marksAt: reserve(unitCount),
    flop,
    entries: entries.map((table) => ({ at: place(table), length: table.length })),
    work,
  }));
  const block = new SharedArrayBuffer(end);
  for (const { at, table } of tables) {
    if (table instanceof Int32Array) new Int32Array(block, at).set(table);
    else new Float64Array(block, at).set(table);
  }
  const looseBytes = countLooseBytes(phases.map(({ work }) => work));
  return { ...setup, block, clockAt, calledAt, phases: described, looseBytes };
}
