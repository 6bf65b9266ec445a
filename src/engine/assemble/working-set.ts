// The memory of one call: regions of the arena that go back when it ends, and results that stay with the caller.
import { createTensor, type Tensor } from '../../core/tensor/tensor.js';
import type { Arena } from '../../core/tensor/arena.js';
import { regionOf, RegionViews, type Region } from '../../core/tensor/region.js';
import type { Shape } from '../../core/tensor/shape.js';
import { allocateShared } from '../../core/tensor/shared-memory.js';

export class WorkingSet {
  readonly #arena: Arena;
  readonly #counter: { bytes: number } | undefined;
  readonly #regions: Region[] = [];
  /** The coordinator's views of what was allocated. */
  readonly views: RegionViews;

  /** @param counter told of what is allocated and given back */
  constructor(arena: Arena, counter?: { bytes: number }) {
    this.#arena = arena;
    this.#counter = counter;
    this.views = new RegionViews(arena.memory);
  }

  /** A region of `length` floats for the time of the call. @throws MEMORY_LIMIT */
  allocate(length: number): Region {
    const region = this.#arena.allocate(length);
    this.#regions.push(region);
    if (this.#counter !== undefined) this.#counter.bytes += region.byteLength;
    return region;
  }

  /** The same where the coordinator can look into it. @throws MEMORY_LIMIT */
  allocateVisible(length: number): Region {
    if (!this.#arena.isOnDevice) return this.allocate(length);
    this.#arena.refuseOver(4 * length);
    return regionOf(new Float32Array(allocateShared(4 * length)));
  }

  /** A tensor of zeros that the caller keeps. @throws MEMORY_LIMIT */
  createResult(shape: Shape): Tensor {
    this.#arena.refuseOver(shape.reduce((bytes, length) => bytes * length, 4));
    return createTensor(shape);
  }

  /** Of all regions. */
  get bytes(): number {
    return this.#regions.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  release(): void {
    for (const region of this.#regions.splice(0)) {
      this.#arena.free(region);
      if (this.#counter !== undefined) this.#counter.bytes -= region.byteLength;
    }
  }
}
