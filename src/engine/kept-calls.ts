// Short calls of a layer that come again and again with other numbers: assembled once into memory of their own, known to
// the workers, and run by copying the rows in and the results out. Describing, planning and telling a call anew would take
// as long as a tenth of its work.
import type { PlainOptions } from '../attention/plain-options.js';
import type { Arena } from '../core/tensor/arena.js';
import type { Shape } from '../core/tensor/shape.js';
import type { Assembly, PlannedPhase } from './assemble/assembly.js';
import { WorkingSet } from './assemble/working-set.js';
import type { KeptJob, Scheduler } from './scheduler.js';

// Numbers of the input and the output together; copying more costs more than it saves.
const mostNumbers = 32_768;
// Calls that a layer keeps, of which one shape has at most `mostAlike`: those that overlap.
const mostKept = 16;
const mostAlike = 2;

/** What a call is assembled from, into memory that it keeps. */
export interface KeptParts {
  readonly input: Float32Array<SharedArrayBuffer>;
  readonly output: Float32Array<SharedArrayBuffer>;
  readonly outputShape: Shape;
  readonly assembly: Assembly;
}

export interface KeptCall extends Omit<KeptParts, 'assembly'> {
  readonly phases: readonly PlannedPhase[];
  readonly job: KeptJob;
}

interface Place extends KeptCall {
  readonly key: string;
  readonly memory: WorkingSet;
  isTaken: boolean;
}

export class KeptCalls {
  readonly #arena: Arena;
  readonly #scheduler: Scheduler;
  /** The one used last at the end. */
  #places: Place[] = [];

  constructor(arena: Arena, scheduler: Scheduler) {
    this.#arena = arena;
    this.#scheduler = scheduler;
  }

  /** Whether a call of so many numbers is worth keeping. */
  fits(numbers: number): boolean {
    return numbers > 0 && numbers <= mostNumbers;
  }

  /**
   * A call of that shape and those options, ready to run; undefined where all that are alike are taken.
   * @throws what `assemble` does; MEMORY_LIMIT
   */
  take(
    shape: Shape,
    { key: optionsKey }: PlainOptions,
    assemble: (memory: WorkingSet) => KeptParts,
  ): KeptCall | undefined {
    const key = `${shape.join()} ${optionsKey}`;
    const alike = this.#places.filter((place) => place.key === key);
    let place = alike.find(({ isTaken, job }) => !isTaken && job.block.reset());
    if (place === undefined) {
      if (alike.length >= mostAlike) return undefined;
      place = this.#make(key, assemble);
      if (place === undefined) return undefined;
    }
    place.isTaken = true;
    this.#places = [...this.#places.filter((other) => other !== place), place];
    return place;
  }

  /** Gives a call back that has been computed. */
  give(call: KeptCall): void {
    (call as Place).isTaken = false;
    const free = this.#places.filter(({ isTaken }) => !isTaken);
    for (const place of free.slice(0, Math.max(0, this.#places.length - mostKept))) this.drop(place);
  }

  /** Gives the memory of a call back that failed, or isn't wanted any more. Nobody may be computing it. */
  drop(call: KeptCall): void {
    const place = call as Place;
    this.#places = this.#places.filter((other) => other !== place);
    this.#scheduler.forget(place.job);
    place.memory.release();
  }

  /** Drops those that nobody has taken. */
  clear(): void {
    for (const place of this.#places.filter(({ isTaken }) => !isTaken)) this.drop(place);
  }

  #make(key: string, assemble: (memory: WorkingSet) => KeptParts): Place | undefined {
    const memory = new WorkingSet(this.#arena);
    try {
      const { assembly, ...parts } = assemble(memory);
      const phases = assembly.phases.filter(({ unitCount }) => unitCount > 0);
      const job = this.#scheduler.keep(phases);
      return { ...parts, key, memory, phases, job, isTaken: false };
    } catch (error) {
      memory.release();
      throw error;
    }
  }
}
