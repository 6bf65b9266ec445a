// One worker's private space inside the shared memory: parameter blocks, the kernel's scratch, and copies of operands
// that lie outside that memory. Everything in it lives for one operation.

/** Every kind of operand. */
export type Numbers = Float32Array | Int32Array | Uint16Array | Uint8Array;

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

  /** The address of space for `length` floats, with arbitrary content. */
  takeFloats(length: number): number {
    return this.takeBytes(length * 4);
  }

  /** The address of a copy of `source`. */
  copyIn(source: Float32Array | Int32Array | Uint8Array): number {
    const address = this.takeBytes(source.byteLength);
    this.write(address, source);
    return address;
  }

  /** Writes numbers to an address of this space. */
  write(address: number, source: Float32Array | Int32Array | Uint8Array): void {
    if (source instanceof Float32Array) this.#floats.set(source, address / 4);
    else if (source instanceof Int32Array) this.#ints.set(source, address / 4);
    else this.#bytes.set(source, address);
  }

  /** The address of space for `byteLength` bytes, with arbitrary content. */
  takeBytes(byteLength: number): number {
    if (this.#next + byteLength > this.#end) this.#grow(byteLength);
    const address = this.#next;
    this.#next += Math.ceil(byteLength / alignment) * alignment;
    return address;
  }

  /** The floats at an address of this space. */
  floatsAt(address: number, length: number): Float32Array {
    return this.#floats.subarray(address / 4, address / 4 + length);
  }

  /** The address of a parameter block of 32-bit words; see `floatWord` for floats among them. */
  writeWords(words: Int32Array): number {
    const address = this.takeBytes(words.byteLength);
    this.#ints.set(words, address / 4);
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

const floatOfBits = new Float32Array(1);
const bitsOfFloat = new Int32Array(floatOfBits.buffer);

/** The word that holds the bits of a float32. */
export function floatWord(value: number): number {
  floatOfBits[0] = value;
  return bitsOfFloat[0]!;
}
