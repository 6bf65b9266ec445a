// The memory of one job on a device: a buffer for every operand; what the host has is uploaded once, before it is read.
import type { Region, RegionViews } from '../../../src/core/tensor/region.js';
import { roundUp, type BufferUse, type DeviceBuffers } from './device-buffers.js';
import type { Bound, Scratch, Table } from './dispatch.js';

/** What outlives jobs: weights, by the addresses of their regions. */
export type Residents = Map<number, GPUBuffer>;

export interface JobMemoryParts {
  readonly buffers: DeviceBuffers;
  readonly residents: Residents;
  /** Of memory of the host. */
  readonly views: RegionViews;
  readonly upload: (buffer: GPUBuffer, bytes: Uint8Array) => void;
}

export class JobMemory {
  readonly #parts: JobMemoryParts;
  readonly #taken: GPUBuffer[] = [];
  readonly #working = new Map<number, GPUBuffer>();
  readonly #ofHost = new Map<SharedArrayBuffer, Map<string, GPUBuffer>>();
  readonly #scratch = new Map<Scratch, GPUBuffer>();
  /** What of the host's the job writes, and where it is until it is read back. */
  readonly results = new Map<GPUBuffer, Region>();

  constructor(parts: JobMemoryParts) {
    this.#parts = parts;
  }

  /** A buffer until the job is over. */
  take(byteLength: number, use: BufferUse): GPUBuffer {
    const buffer = this.#parts.buffers.take(byteLength, use);
    this.#taken.push(buffer);
    return buffer;
  }

  /** What a binding is on the device. */
  resolve(bound: Exclude<Bound, Table>, isWritten: boolean): GPUBufferBinding {
    if (!('kind' in bound)) return { buffer: this.bufferOf(bound, isWritten) };
    if (bound.kind === 'scratch') return { buffer: this.scratchOf(bound) };
    const { of, byteOffset, byteLength } = bound;
    return { ...this.resolve(of, isWritten), offset: byteOffset, size: roundUp(Math.max(byteLength, 4), 4) };
  }

  bufferOf(region: Region, isWritten: boolean): GPUBuffer {
    return region.buffer === null
      ? (this.#parts.residents.get(region.byteOffset) ?? this.#workingOf(region))
      : this.#hostOf(region, region.buffer, isWritten);
  }

  scratchOf(scratch: Scratch): GPUBuffer {
    let buffer = this.#scratch.get(scratch);
    if (buffer === undefined) this.#scratch.set(scratch, (buffer = this.take(scratch.byteLength, 'storage')));
    return buffer;
  }

  /** Gives all buffers back. */
  release(): void {
    for (const buffer of this.#taken.splice(0)) this.#parts.buffers.give(buffer);
  }

  #workingOf({ byteOffset, byteLength }: Region): GPUBuffer {
    let buffer = this.#working.get(byteOffset);
    if (buffer === undefined) this.#working.set(byteOffset, (buffer = this.take(byteLength, 'storage')));
    return buffer;
  }

  #hostOf(region: Region, memory: SharedArrayBuffer, isWritten: boolean): GPUBuffer {
    const places = this.#ofHost.get(memory) ?? new Map<string, GPUBuffer>();
    this.#ofHost.set(memory, places);
    const place = `${region.byteOffset} ${region.byteLength}`;
    let buffer = places.get(place);
    if (buffer === undefined) {
      places.set(place, (buffer = this.take(region.byteLength, 'storage')));
      if (!isWritten) this.#parts.upload(buffer, this.#parts.views.bytes(region));
    }
    if (isWritten) this.results.set(buffer, region);
    return buffer;
  }
}
