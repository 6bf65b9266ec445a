// Shared memory in slabs: large buffers that are cut into regions and used again. A fresh buffer costs a page fault for
// every 4 KiB, several percent of a layer's time; a slab costs them once.
import { FreeList } from './free-list.js';
import type { Region } from './region.js';

interface Slab {
  readonly buffer: SharedArrayBuffer;
  readonly free: FreeList;
  bytesInUse: number;
  /** The count of regions taken when the last one was taken from here. */
  lastTaken: number;
}

const slabBytes = 16 * 2 ** 20;
// Slabs that hold nothing are kept for the next call up to this.
const mostIdleBytes = 256 * 2 ** 20;
// What is more goes to the garbage collector, unless one of the last regions came from it: calls take about ten each, and
// the collector is slow to see how much memory hangs on a buffer. Calls of 250 MB that differed by a few percent made a
// process of 3 GB when each got buffers of its own.
const recentRegions = 64;

/** Of all arenas. */
const buffersOfSlabs = new WeakSet<SharedArrayBuffer>();

/** Whether a buffer is cut into regions, and so outlives what is done in one. */
export function isSlab(buffer: SharedArrayBuffer): boolean {
  return buffersOfSlabs.has(buffer);
}

export class Slabs {
  readonly #alignment: number;
  readonly #slabs = new Map<SharedArrayBuffer, Slab>();
  #taken = 0;

  /** @param alignment of every region inside its slab, in bytes. */
  constructor(alignment: number) {
    this.#alignment = alignment;
  }

  /** Bytes of all slabs, in use or not. */
  get byteLength(): number {
    return [...this.#slabs.keys()].reduce((bytes, buffer) => bytes + buffer.byteLength, 0);
  }

  /** A region with arbitrary content. @throws RangeError where the system has no memory left */
  take(byteLength: number): Region {
    for (const slab of this.#slabs.values()) {
      const byteOffset = slab.free.take(byteLength);
      if (byteOffset !== undefined) return this.#regionIn(slab, byteOffset, byteLength);
    }
    const slab = this.#add(byteLength);
    return this.#regionIn(slab, slab.free.take(byteLength)!, byteLength);
  }

  give({ buffer, byteOffset, byteLength }: Region): void {
    const slab = this.#slabs.get(buffer!)!;
    slab.free.give(byteOffset, byteLength);
    slab.bytesInUse -= slab.free.roundUp(byteLength);
    if (slab.bytesInUse === 0) this.#dropIdle();
  }

  #regionIn(slab: Slab, byteOffset: number, byteLength: number): Region {
    slab.bytesInUse += slab.free.roundUp(byteLength);
    slab.lastTaken = ++this.#taken;
    return { buffer: slab.buffer, byteOffset, byteLength };
  }

  #add(leastBytes: number): Slab {
    const free = new FreeList(this.#alignment);
    const buffer = allocate(free.roundUp(leastBytes));
    free.give(0, buffer.byteLength);
    const slab = { buffer, free, bytesInUse: 0, lastTaken: this.#taken };
    this.#slabs.set(buffer, slab);
    buffersOfSlabs.add(buffer);
    return slab;
  }

  // A worker may still view a slab that is dropped; the collector frees it once none does.
  #dropIdle(): void {
    const idle = [...this.#slabs.values()].filter(({ bytesInUse }) => bytesInUse === 0);
    let idleBytes = idle.reduce((bytes, { buffer }) => bytes + buffer.byteLength, 0);
    for (const { buffer, lastTaken } of idle.sort((a, b) => a.lastTaken - b.lastTaken)) {
      if (idleBytes <= mostIdleBytes || this.#taken - lastTaken < recentRegions) return;
      this.#slabs.delete(buffer);
      idleBytes -= buffer.byteLength;
    }
  }
}

// Powers of two suit calls of many lengths; what nobody touches of them is never memory.
function allocate(leastBytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(Math.max(slabBytes, 2 ** Math.ceil(Math.log2(leastBytes))));
  } catch {
    return new SharedArrayBuffer(leastBytes);
  }
}
