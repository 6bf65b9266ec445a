// Shared memory in slabs: large buffers that are cut into regions and used again. A fresh buffer costs a page fault for
// every 4 KiB, several percent of a layer's time; a slab costs them once.
import { FreeList } from './free-list.js';
import type { Region } from './region.js';

interface Slab {
  readonly buffer: SharedArrayBuffer;
  readonly free: FreeList;
  bytesInUse: number;
}

const slabBytes = 16 * 2 ** 20;
// Slabs that hold nothing are kept for the next call up to this; more goes to the garbage collector.
const mostIdleBytes = 256 * 2 ** 20;

export class Slabs {
  readonly #alignment: number;
  readonly #slabs = new Map<SharedArrayBuffer, Slab>();

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
    if (slab.bytesInUse === 0) this.#dropIdle(slab);
  }

  #regionIn(slab: Slab, byteOffset: number, byteLength: number): Region {
    slab.bytesInUse += slab.free.roundUp(byteLength);
    return { buffer: slab.buffer, byteOffset, byteLength };
  }

  #add(leastBytes: number): Slab {
    const free = new FreeList(this.#alignment);
    const buffer = new SharedArrayBuffer(Math.max(slabBytes, free.roundUp(leastBytes)));
    free.give(0, buffer.byteLength);
    const slab = { buffer, free, bytesInUse: 0 };
    this.#slabs.set(buffer, slab);
    return slab;
  }

  // A worker may still view a slab that is dropped; the collector frees it once none does.
  #dropIdle(emptied: Slab): void {
    let idleBytes = 0;
    for (const { buffer, bytesInUse } of this.#slabs.values()) {
      if (bytesInUse === 0) idleBytes += buffer.byteLength;
    }
    if (idleBytes > mostIdleBytes) this.#slabs.delete(emptied.buffer);
  }
}
