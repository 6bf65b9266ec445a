// One worker's private space inside the shared memory: parameter blocks, the kernel's scratch, and copies of operands
// that lie outside that memory. Everything in it lives for one operation.

/** What is copied: keys and values of 16 bits lie in the shared memory always. */
export type CopiedNumbers = Float32Array | Int32Array | Uint8Array;

const pageBytes = 65_536;
const alignment = 64;

export class Scratch {
  readonly #memory: WebAssembly.Memory;
  #next = 0;
  #start = 0;
  #end = 0;
  #floats: Float32Array = new Float32Array();
  #ints: Int32Array = new Int32Array();
  #bytes: Uint8Array = new Uint8Array();

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** Forgets the space of the last operation. */
  reset(): void {
    this.#next = this.#start;
  }

  /** The address of a copy of `source`. */
  copyIn(source: CopiedNumbers): number {
    const address = this.takeBytes(source.byteLength);
    this.#allLike(source).set(source, address / source.BYTES_PER_ELEMENT);
    return address;
  }

  /** Numbers like those given, at an address of this space. */
  view(like: CopiedNumbers, address: number, length: number): CopiedNumbers {
    const start = address / like.BYTES_PER_ELEMENT;
    return this.#allLike(like).subarray(start, start + length);
  }

  #allLike(numbers: CopiedNumbers): CopiedNumbers {
    if (numbers instanceof Float32Array) return this.#floats;
    return numbers instanceof Int32Array ? this.#ints : this.#bytes;
  }

  /** The address of space for `byteLength` bytes, with arbitrary content. */
  takeBytes(byteLength: number): number {
    if (this.#next + byteLength > this.#end) this.#grow(byteLength);
    const address = this.#next;
    this.#next += Math.ceil(byteLength / alignment) * alignment;
    return address;
  }

  // Growing hands out pages that no other thread has, so no one need be asked. What was taken before stays valid in the
  // old pages; they can't be returned, and doubling keeps them below what is in use.
  #grow(byteLength: number): void {
    const pages = Math.ceil(Math.max(byteLength, 2 * (this.#end - this.#start)) / pageBytes);
    this.#start = this.#next = this.#memory.grow(pages) * pageBytes;
    this.#end = this.#start + pages * pageBytes;
    const buffer = this.#memory.buffer;
    this.#floats = new Float32Array(buffer);
    this.#ints = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
  }
}
