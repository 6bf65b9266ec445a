// Short calls that come again and again with other numbers: assembled once into memory of their own, known to the workers,
// and run by copying the rows in and the results out. Planning and telling a call anew would take as long as a good part of
// its work.
import type { PlainOptions } from '../attention/plain-options.js';
import type { Priority } from '../core/protocol/messages.js';
import type { Spare } from '../core/tensor/arena.js';
import type { Shape } from '../core/tensor/shape.js';
import type { Assembly, PlannedPhase } from './assemble/assembly.js';
import type { WorkingSet } from './assemble/working-set.js';
import type { KeptJob } from './job.js';
import type { Scheduler } from './scheduler.js';

// Numbers of the input and the output together; copying more costs more than it saves.
const mostNumbers = 65_536;
// Of all calls that are kept; the one that was used longest ago makes room. Each costs its workers some memory, too.
const mostBytes = 32 * 2 ** 20;
const mostPlaces = 256;
// Calls of a layer that are alike: those that overlap.
const mostAlike = 2;

/** What a call is assembled from, into memory that it keeps. */
export interface KeptParts {
  readonly input: Float32Array<SharedArrayBuffer>;
  readonly output: Float32Array<SharedArrayBuffer>;
  readonly assembly: Assembly;
}

export interface KeptCall extends Omit<KeptParts, 'assembly'> {
  readonly phases: readonly PlannedPhase[];
  readonly job: KeptJob;
}

/** What calls have in common that differ in their rows only. */
export interface Likeness {
  /** The layer. */
  readonly owner: object;
  readonly shape: Shape;
  readonly plain: PlainOptions;
  readonly priority: Priority;
}

interface Place extends KeptCall {
  readonly owner: object;
  readonly key: string;
  readonly memory: WorkingSet;
  isTaken: boolean;
  usedAt: number;
}

export class KeptCalls implements Spare {
  readonly #openMemory: () => WorkingSet;
  readonly #scheduler: Scheduler;
  readonly #places = new Map<object, Place[]>();
  /** Of the calls that don't run. */
  #spareBytes = 0;
  #count = 0;
  #uses = 0;

  /** @param openMemory opens what counts as memory of calls, whether they run or not */
  constructor(scheduler: Scheduler, openMemory: () => WorkingSet) {
    this.#scheduler = scheduler;
    this.#openMemory = openMemory;
  }

  get bytes(): number {
    return this.#spareBytes;
  }

  giveBack(): void {
    for (const place of [...this.#places.values()].flat()) if (!place.isTaken) this.#free(place);
  }

  /** Whether a call of so many numbers is worth keeping. */
  fits(numbers: number): boolean {
    return numbers > 0 && numbers <= mostNumbers;
  }

  /**
   * A call that is alike, ready to run; undefined where all that are alike run.
   * @throws what `assemble` does; MEMORY_LIMIT
   */
  take(
    { owner, shape, plain, priority }: Likeness,
    assemble: (memory: WorkingSet) => KeptParts,
  ): KeptCall | undefined {
    const key = `${priority} ${shape.join()} ${plain.key}`;
    const alike = (this.#places.get(owner) ?? []).filter((place) => place.key === key);
    let place = alike.find(({ isTaken, job }) => !isTaken && this.#scheduler.reset(job));
    if (place !== undefined) this.#spareBytes -= place.memory.bytes;
    else if (alike.length >= mostAlike) return undefined;
    else place = this.#make({ owner, key, priority }, assemble);
    place.isTaken = true;
    place.usedAt = ++this.#uses;
    return place;
  }

  /** Gives a call back that has been computed. */
  give(call: KeptCall): void {
    // What was lost with a worker ran again as another job.
    if (call.job.block.isStopped) {
      this.drop(call);
      return;
    }
    const place = call as Place;
    place.isTaken = false;
    this.#spareBytes += place.memory.bytes;
    while (this.#spareBytes > mostBytes || this.#count > mostPlaces) {
      const free = [...this.#places.values()].flat().filter(({ isTaken }) => !isTaken);
      this.#free(free.reduce((oldest, other) => (other.usedAt < oldest.usedAt ? other : oldest)));
    }
  }

  /** Gives the memory of a call back that failed. Nobody may be computing it. */
  drop(call: KeptCall): void {
    const place = call as Place;
    place.isTaken = false;
    this.#spareBytes += place.memory.bytes;
    this.#free(place);
  }

  /** Gives the memory of a layer's calls back, none of which may run. */
  dispose(owner: object): void {
    for (const place of this.#places.get(owner) ?? []) this.#free(place);
  }

  #free(place: Place): void {
    const others = this.#places.get(place.owner)!.filter((other) => other !== place);
    if (others.length > 0) this.#places.set(place.owner, others);
    else this.#places.delete(place.owner);
    this.#scheduler.forget(place.job);
    this.#count--;
    this.#spareBytes -= place.memory.bytes;
    place.memory.release();
  }

  #make(
    { owner, key, priority }: Pick<Place, 'owner' | 'key'> & Pick<Likeness, 'priority'>,
    assemble: (memory: WorkingSet) => KeptParts,
  ): Place {
    const memory = this.#openMemory();
    try {
      const { assembly, ...parts } = assemble(memory);
      const phases = assembly.phases.filter(({ unitCount }) => unitCount > 0);
      const job = this.#scheduler.keep(phases, priority);
      const place = { ...parts, owner, key, memory, phases, job, isTaken: false, usedAt: 0 };
      this.#count++;
      this.#places.set(owner, [...(this.#places.get(owner) ?? []), place]);
      return place;
    } catch (error) {
      memory.release();
      throw error;
    }
  }
}
