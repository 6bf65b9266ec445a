// One worker's private space inside the shared memory: the kernel's scratch, and copies of operands that lie outside that
// memory. Everything in it lives until it is reset.
import type { Numbers } from '../parameters.js';

const pageBytes = 65_536;
const alignment = 64;

export class Scratch {
  readonly #memory: WebAssembly.Memory;
  #next = 0;
  #start = 0;
  #end = 0;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** Forgets all that was taken. */
  reset(): void {
    this.#next = this.#start;
  }

  /** The address of space for `byteLength` bytes, with arbitrary content. */
  take(byteLength: number): number {
    if (this.#next + byteLength > this.#end) this.#grow(byteLength);
    const address = this.#next;
    this.#next += Math.ceil(byteLength / alignment) * alignment;
    return address;
  }

  /** Numbers like those given, at an address. */
  view<T extends Numbers>(like: T, address: number, length: number): T {
    const Type = like.constructor as new (buffer: ArrayBufferLike, offset: number, length: number) => T;
    return new Type(this.#memory.buffer, address, length);
  }

  /** The address of a copy of `source`. */
  copyIn(source: Numbers): number {
    const address = this.take(source.byteLength);
    this.view(source, address, source.length).set(source);
    return address;
  }

  // Growing hands out pages that no other thread has, so no one need be asked. What was taken before stays valid in the
  // old pages; they can't be returned, and doubling keeps them below what is in use.
  #grow(byteLength: number): void {
    const pages = Math.ceil(Math.max(byteLength, 2 * (this.#end - this.#start)) / pageBytes);
    this.#start = this.#next = this.#memory.grow(pages) * pageBytes;
    this.#end = this.#start + pages * pageBytes;
  }
}
