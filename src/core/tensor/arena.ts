// The arena: working memory and packed weights, allocated and given back by hand. It hides whether that memory is
// one shared WebAssembly.Memory (so that the WebAssembly kernel computes in place), slabs of plain shared memory, or memory
// of a device, of which it gives out addresses only.
import { HeadpoolError } from '../errors.js';
import { FreeList } from './free-list.js';
import type { Region } from './region.js';
import { formatMiB, memoryRefused } from './shared-memory.js';
import { Slabs } from './slabs.js';

/** What holds regions only as long as nobody else needs them. */
export interface Spare {
  /** How much that is now. */
  readonly bytes: number;
  giveBack(): void;
}

export interface Arena {
  /** Whether its regions lie on a device, so that no thread but the one that owns it can look into them. */
  readonly isOnDevice: boolean;
  /** The memory to hand to the workers, on the WebAssembly kernel. */
  readonly memory: WebAssembly.Memory | undefined;
  /** Without what is spare. */
  readonly bytesInUse: number;
  spare: Spare | undefined;
  /** About what it can hold in many regions, whatever the limit is. */
  readonly capacityBytes: number;
  /** A region, 64-byte aligned in its buffer, of `length` floats with arbitrary content. @throws MEMORY_LIMIT */
  allocate(length: number): Region;
  free(region: Region): void;
  /** Refuses memory outside the arena that would exceed the limit together with what is in use. @throws MEMORY_LIMIT */
  refuseOver(byteLength: number): void;
}

// A cache line, and the width of the widest vector register.
const alignment = 64;
const pageBytes = 65_536;
const maximumPages = 65_536;
// The module's stack and data lie in front; the linker puts them below this.
const reservedBytes = 2 * pageBytes;
// Growing is a system call and every worker's handle must look again, so it goes in steps.
const growthBytes = 16 * 2 ** 20;

export function createArena(kind: 'webassembly' | 'plain' | 'device', limitBytes: number): Arena {
  if (kind === 'device') return new AddressArena(limitBytes, true);
  return kind === 'webassembly' ? new WebAssemblyArena(limitBytes) : new PlainArena(limitBytes);
}

/** An arena that counts what is allocated and owns none of it. */
export function createCountingArena(): Arena {
  return new AddressArena(Infinity, false);
}

/** The error of work that the limit has no room for. */
export function overLimit(byteLength: number, bytesInUse: number, limitBytes: number): HeadpoolError {
  return new HeadpoolError(
    'MEMORY_LIMIT',
    `The work needs ${formatMiB(byteLength)} on top of ${formatMiB(bytesInUse)} in use, ` +
      `over the limit of ${formatMiB(limitBytes)} (memoryLimitBytes)`,
  );
}

abstract class LimitedArena implements Arena {
  readonly isOnDevice: boolean = false;
  abstract readonly memory: WebAssembly.Memory | undefined;
  readonly capacityBytes: number = Infinity;
  spare: Spare | undefined;
  readonly #limitBytes: number;
  #takenBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get bytesInUse(): number {
    return this.#takenBytes - (this.spare?.bytes ?? 0);
  }

  allocate(length: number): Region {
    const byteLength = length * 4;
    this.refuseOver(byteLength);
    const region = this.take(byteLength);
    this.#takenBytes += byteLength;
    return region;
  }

  free(region: Region): void {
    this.give(region);
    this.#takenBytes -= region.byteLength;
  }

  refuseOver(byteLength: number): void {
    if (this.#takenBytes + byteLength <= this.#limitBytes) return;
    this.spare?.giveBack();
    if (this.#takenBytes + byteLength <= this.#limitBytes) return;
    throw overLimit(byteLength, this.bytesInUse, this.#limitBytes);
  }

  protected abstract take(byteLength: number): Region;
  protected abstract give(region: Region): void;
}

class PlainArena extends LimitedArena {
  readonly memory = undefined;
  readonly #slabs = new Slabs(alignment);

  protected take(byteLength: number): Region {
    try {
      return this.#slabs.take(byteLength);
    } catch (cause) {
      throw memoryRefused(byteLength, cause);
    }
  }

  protected give(region: Region): void {
    this.#slabs.give(region);
  }
}

/** Owns no memory: every region has an address that none had before, by which who owns the memory knows it. */
class AddressArena extends LimitedArena {
  readonly memory = undefined;
  override readonly isOnDevice: boolean;
  #end = 0;

  constructor(limitBytes: number, isOnDevice: boolean) {
    super(limitBytes);
    this.isOnDevice = isOnDevice;
  }

  protected take(byteLength: number): Region {
    const byteOffset = this.#end;
    // Two regions of no bytes are two all the same.
    this.#end += Math.max(byteLength, 1);
    return { buffer: null, byteOffset, byteLength };
  }

  protected give(): void {}
}

class WebAssemblyArena extends LimitedArena {
  readonly memory: WebAssembly.Memory;
  // The rest is for scratch space of workers, and for holes between regions.
  override readonly capacityBytes = (7 / 8) * maximumPages * pageBytes;
  readonly #freeList = new FreeList(alignment);

  constructor(limitBytes: number) {
    super(limitBytes);
    const initial = (reservedBytes + growthBytes) / pageBytes;
    this.memory = new WebAssembly.Memory({ initial, maximum: maximumPages, shared: true });
    this.#freeList.give(reservedBytes, growthBytes);
  }

  protected take(byteLength: number): Region {
    const byteOffset = this.#freeList.take(byteLength) ?? this.#grow(byteLength);
    return { buffer: null, byteOffset, byteLength };
  }

  protected give({ byteOffset, byteLength }: Region): void {
    this.#freeList.give(byteOffset, byteLength);
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
          `with ${formatMiB(this.bytesInUse)} in use; split the batch`,
        { cause },
      );
    }
    this.#freeList.give(firstPage * pageBytes, pages * pageBytes);
    return this.#freeList.take(byteLength)!;
  }
}
