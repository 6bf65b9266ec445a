// One worker's instance of the compiled source: its functions, its scratch space, and which operands it reaches.
import type { RegionViews } from '../../../src/core/tensor/region.js';
import type { Slice } from '../../../src/core/protocol/strided.js';
import type { Access, Numbers } from '../parameters.js';
import { instantiate, type Exports, type ModuleChoice } from './module.js';
import { Scratch } from './scratch.js';

export class Machine {
  readonly memory: WebAssembly.Memory;
  readonly exports: Exports;
  /** Reset by every call. */
  readonly scratch: Scratch;
  /** Never reset. */
  readonly lasting: Scratch;
  readonly #views: RegionViews;
  readonly #keptScratch: Scratch;
  /**
   * The numbers copied last to be kept: weakly held, because the array is the caller's memory. No WeakRef does that here:
   * it keeps its target until the thread's event loop turns, and a worker's never does.
   */
  #kept = { of: new WeakSet<Numbers>(), offset: 0, length: 0, address: 0 };

  constructor(choice: ModuleChoice, memory: WebAssembly.Memory, views: RegionViews) {
    this.memory = memory;
    this.exports = instantiate(choice, memory);
    this.scratch = new Scratch(memory);
    this.lasting = new Scratch(memory);
    this.#views = views;
    this.#keptScratch = new Scratch(memory);
  }

  /** The byte address of a slice that lies in the shared memory, undefined for one outside. */
  addressOf({ data, offset }: Slice<Numbers>, access: Access): number | undefined {
    if (this.#views.isInArena(data)) return data.byteOffset + offset * data.BYTES_PER_ELEMENT;
    if (access === 'resident') throw new TypeError('Keys, values and packed weights must lie in the arena');
    return undefined;
  }

  /** The byte address of `length` neighbours, in place or copied in. */
  addressOfRun(slice: Slice<Numbers>, access: Access, length: number): number {
    const { data, offset } = slice;
    const inPlace = this.addressOf(slice, access);
    if (inPlace !== undefined) return inPlace;
    if (access !== 'keep') return this.scratch.copyIn(data.subarray(offset, offset + length));
    // The last copy serves the calls that follow; every job views its rows through a new array, which tells them apart.
    const last = this.#kept;
    if (last.of.has(data) && last.offset === offset && last.length === length) return last.address;
    this.#keptScratch.reset();
    const address = this.#keptScratch.copyIn(data.subarray(offset, offset + length));
    this.#kept = { of: new WeakSet([data]), offset, length, address };
    return address;
  }
}
