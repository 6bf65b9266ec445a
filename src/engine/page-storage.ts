// The memory of a cache: its pages, one behind the other in one region of the arena.
import type { CacheStorage } from '../attention/cache.js';
import type { Heads } from '../core/protocol/layout.js';
import type { Arena } from '../core/tensor/arena.js';
import { bytesPerElement, type Dtype } from '../core/tensor/dtype.js';
import { RegionViews, type Region } from '../core/tensor/region.js';
import { pageTokens } from '../core/protocol/layout.js';

export class PageStorage implements CacheStorage {
  readonly pageTokens = pageTokens;
  readonly pageCount: number;
  readonly region: Region;
  readonly dtype: Dtype;
  /** Numbers of a page: [kvHeads, pageTokens, headDim] of keys, then [kvHeads, pageTokens, valueDim] of values. */
  readonly pageStride: number;
  readonly #arena: Arena;

  /** @throws MEMORY_LIMIT */
  constructor({ kvHeads, headDim, valueDim }: Heads, pageCount: number, dtype: Dtype, arena: Arena) {
    this.pageCount = pageCount;
    this.dtype = dtype;
    this.pageStride = kvHeads * pageTokens * (headDim + valueDim);
    this.#arena = arena;
    // A page is a whole number of floats even at 16 bits.
    this.region = arena.allocate((pageCount * this.pageStride * bytesPerElement[dtype]) / 4);
  }

  copyPage(from: number, to: number): void {
    const bytes = new RegionViews(this.#arena.memory).bytes(this.region);
    const pageBytes = this.pageStride * bytesPerElement[this.dtype];
    bytes.copyWithin(to * pageBytes, from * pageBytes, (from + 1) * pageBytes);
  }

  free(): void {
    this.#arena.free(this.region);
  }
}
