// One worker's instance of the compiled source: its functions, its scratch space, and which operands it reaches.
import type { RegionViews } from '../../../src/tensor/region.js';
import type { Slice } from '../kernel.js';
import { instantiate, type Exports, type ModuleChoice } from './module.js';
import { Scratch } from './scratch.js';

export class Machine {
  readonly exports: Exports;
  readonly scratch: Scratch;
  readonly #views: RegionViews;

  constructor(choice: ModuleChoice, memory: WebAssembly.Memory, views: RegionViews) {
    this.exports = instantiate(choice, memory);
    this.scratch = new Scratch(memory);
    this.#views = views;
  }

  /** The byte address of a slice that lies in the shared memory, undefined for one outside. */
  addressOf({ data, offset }: Slice<Float32Array | Uint8Array>): number | undefined {
    if (!this.#views.isInArena(data)) return undefined;
    return data.byteOffset + offset * data.BYTES_PER_ELEMENT;
  }

  /** The byte address of an operand that the coordinator always keeps in the arena. */
  addressInArena(slice: Slice): number {
    const address = this.addressOf(slice);
    if (address === undefined) throw new TypeError('Keys, values and packed weights must lie in the arena');
    return address;
  }
}
