// The arena: working memory and packed weights, allocated and given back by hand. It hides whether that memory is
// one shared WebAssembly.Memory (so that the WebAssembly kernel computes in place) or a SharedArrayBuffer a region.
import { HeadpoolError } from '../errors.js';
import { FreeList } from './free-list.js';
import type { Region } from './region.js';

export interface Arena {
  /** The memory to hand to the workers, on the WebAssembly kernel. */
  readonly memory: WebAssembly.Memory | undefined;
  readonly bytesInUse: number;
  /** A 64-byte aligned region of `length` floats with arbitrary content. @throws MEMORY_LIMIT */
  allocate(length: number): Region;
  free(region: Region): void;
}

// A cache line, and the width of the widest vector register.
const alignment = 64;
const pageBytes = 65_536;
const maximumPages = 65_536;
// The module's stack and data lie in front; the linker puts them below this.
const reservedBytes = 2 * pageBytes;
// Growing is a system call and every worker's handle must look again, so it goes in steps.
const growthBytes = 16 * 2 ** 20;

export function createArena(kind: 'webassembly' | 'plain', limitBytes: number): Arena {
  return kind === 'webassembly' ? new WebAssemblyArena(limitBytes) : new PlainArena(limitBytes);
}

class PlainArena implements Arena {
  readonly memory = undefined;
  readonly #limitBytes: number;
  #bytesInUse = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get bytesInUse(): number {
    return this.#bytesInUse;
  }

  allocate(length: number): Region {
    const byteLength = length * 4;
    refuseOver(this.#limitBytes, this.#bytesInUse, byteLength);
    this.#bytesInUse += byteLength;
    return { buffer: new SharedArrayBuffer(byteLength), byteOffset: 0, byteLength };
  }

  free(region: Region): void {
    this.#bytesInUse -= region.byteLength;
  }
}

class WebAssemblyArena implements Arena {
  readonly memory: WebAssembly.Memory;
  readonly #limitBytes: number;
  readonly #freeList = new FreeList(alignment);
  #bytesInUse = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
    const initial = (reservedBytes + growthBytes) / pageBytes;
    this.memory = new WebAssembly.Memory({ initial, maximum: maximumPages, shared: true });
    this.#freeList.give(reservedBytes, growthBytes);
  }

  get bytesInUse(): number {
    return this.#bytesInUse;
  }

  allocate(length: number): Region {
    const byteLength = length * 4;
    refuseOver(this.#limitBytes, this.#bytesInUse, byteLength);
    const byteOffset = this.#freeList.take(byteLength) ?? this.#grow(byteLength);
    this.#bytesInUse += byteLength;
    return { buffer: null, byteOffset, byteLength };
  }

  free(region: Region): void {
    this.#freeList.give(region.byteOffset, region.byteLength);
    this.#bytesInUse -= region.byteLength;
  }

  // Workers grow the same memory for their scratch space, so new pages need not follow the last ones.
  #grow(byteLength: number): number {
    const pages = Math.ceil(Math.max(byteLength, growthBytes) / pageBytes);
    let firstPage: number;
    try {
      firstPage = this.memory.grow(pages);
    } catch (cause) {
      throw new HeadpoolError(
        'MEMORY_LIMIT',
        `The work needs ${formatMiB(byteLength)} more than the 4 GiB that a WebAssembly.Memory can hold, ` +
          `with ${formatMiB(this.#bytesInUse)} in use; split the batch`,
        { cause },
      );
    }
    this.#freeList.give(firstPage * pageBytes, pages * pageBytes);
    return this.#freeList.take(byteLength)!;
  }
}

function refuseOver(limitBytes: number, inUse: number, byteLength: number): void {
  if (inUse + byteLength <= limitBytes) return;
  throw new HeadpoolError(
    'MEMORY_LIMIT',
    `The work needs ${formatMiB(byteLength)} on top of ${formatMiB(inUse)} in use, ` +
      `over the limit of ${formatMiB(limitBytes)} (memoryLimitBytes)`,
  );
}

function formatMiB(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
