// A region: where a run of numbers lies in shared memory, as plain data that survives postMessage.

/**
 * `buffer` null means the arena's memory: a WebAssembly.Memory, which every thread views through its own handle, or a
 * device's, whose owner knows the region by its offset.
 */
export interface Region {
  readonly buffer: SharedArrayBuffer | null;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** The region that a view on shared memory covers. */
export function regionOf(view: ArrayBufferView<SharedArrayBuffer>): Region {
  return { buffer: view.buffer, byteOffset: view.byteOffset, byteLength: view.byteLength };
}

/** One thread's view of shared memory: turns regions into typed arrays. */
export class RegionViews {
  readonly memory: WebAssembly.Memory | undefined;
  /** The buffers that the arena's memory has shown so far; growing, by whatever thread, makes a new one. */
  readonly #arenaBuffers = new WeakSet<ArrayBufferLike>();

  /** @param memory the arena's memory, where there is one. */
  constructor(memory: WebAssembly.Memory | undefined) {
    this.memory = memory;
  }

  floats(region: Region): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.#bufferOf(region), region.byteOffset, region.byteLength / 4);
  }

  doubles(region: Region): Float64Array<SharedArrayBuffer> {
    return new Float64Array(this.#bufferOf(region), region.byteOffset, region.byteLength / 8);
  }

  integers(region: Region): Int32Array<SharedArrayBuffer> {
    return new Int32Array(this.#bufferOf(region), region.byteOffset, region.byteLength / 4);
  }

  halves(region: Region): Uint16Array<SharedArrayBuffer> {
    return new Uint16Array(this.#bufferOf(region), region.byteOffset, region.byteLength / 2);
  }

  bytes(region: Region): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.#bufferOf(region), region.byteOffset, region.byteLength);
  }

  /** Whether an array of this view lies in the arena's memory. */
  isInArena(array: ArrayBufferView): boolean {
    return this.#arenaBuffers.has(array.buffer);
  }

  #bufferOf({ buffer }: Region): SharedArrayBuffer {
    if (buffer !== null) return buffer;
    if (this.memory === undefined) throw new TypeError('A region of the arena needs its WebAssembly.Memory');
    const current = this.memory.buffer;
    this.#arenaBuffers.add(current);
    return current;
  }
}
