// One worker's instance of the compiled source: its functions, its scratch space, and which operands it reaches.
import type { RegionViews } from '../../../src/core/tensor/region.js';
import type { Slice } from '../../../src/core/protocol/strided.js';
import { instantiate, type Exports, type ModuleChoice } from './module.js';
import { Scratch, type Numbers } from './scratch.js';

export class Machine {
  readonly exports: Exports;
  readonly scratch: Scratch;
  readonly #views: RegionViews;
  readonly #rowsScratch: Scratch;
  /** The rows copied last: weakly held, because the array is the caller's memory. */
  #copiedRows = { of: new WeakRef<Float32Array>(new Float32Array()), offset: 0, length: 0, address: 0 };

  constructor(choice: ModuleChoice, memory: WebAssembly.Memory, views: RegionViews) {
    this.exports = instantiate(choice, memory);
    this.scratch = new Scratch(memory);
    this.#rowsScratch = new Scratch(memory);
    this.#views = views;
  }

  /** The byte address of a slice that lies in the shared memory, undefined for one outside. */
  addressOf({ data, offset }: Slice<Numbers>): number | undefined {
    if (!this.#views.isInArena(data)) return undefined;
    return data.byteOffset + offset * data.BYTES_PER_ELEMENT;
  }

  /**
   * The byte address of `length` rows' numbers, in place or copied in. Segments of one product come one after another
   * with the same rows, so the last copy is kept; every job views its rows through a new array, which tells them apart.
   */
  addressOfRows(slice: Slice<Float32Array>, length: number): number {
    const inPlace = this.addressOf(slice);
    if (inPlace !== undefined) return inPlace;
    const { data, offset } = slice;
    const last = this.#copiedRows;
    if (last.of.deref() === data && last.offset === offset && last.length === length) return last.address;
    this.#rowsScratch.reset();
    const address = this.#rowsScratch.copyIn(data.subarray(offset, offset + length));
    this.#copiedRows = { of: new WeakRef(data), offset, length, address };
    return address;
  }

  /** The byte address of an operand that the coordinator always keeps in the arena. */
  addressInArena(slice: Slice<Numbers>): number {
    const address = this.addressOf(slice);
    if (address === undefined) throw new TypeError('Keys, values and packed weights must lie in the arena');
    return address;
  }
}
