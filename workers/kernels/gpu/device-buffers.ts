// The buffers of a device: made, counted, and kept for the next job that needs one of the same size.
import { HeadpoolError } from '../../../src/core/errors.js';
import type { DeviceCounters } from '../../../src/core/protocol/device-counters.js';
import { formatMiB } from '../../../src/core/tensor/shared-memory.js';

/** What a buffer is for: what shaders read and write, what they are told, what the host reads. */
export type BufferUse = 'storage' | 'tables' | 'staging';

// As WebGPU numbers them; its own constants are there only once a device is.
const usages: Readonly<Record<BufferUse, number>> = {
  storage: 0x80 | 0x8 | 0x4, // STORAGE, COPY_DST, COPY_SRC
  tables: 0x80 | 0x40 | 0x8, // STORAGE, UNIFORM, COPY_DST
  staging: 0x1 | 0x8, // MAP_READ, COPY_DST
};

/** Offsets of what is bound are multiples of it. */
export const bindingAlignment = 256;

// Kept beside what is in use: enough for the calls of a server, little beside a long one's.
const mostKeptBytes = 64 * 2 ** 20;

export class DeviceBuffers {
  readonly #device: GPUDevice;
  readonly #counters: DeviceCounters;
  readonly #uses = new Map<GPUBuffer, BufferUse>();
  #kept: GPUBuffer[] = [];

  constructor(device: GPUDevice, counters: DeviceCounters) {
    this.#device = device;
    this.#counters = counters;
  }

  /** A buffer of arbitrary content. @throws MEMORY_LIMIT where the device has none so large */
  take(byteLength: number, use: BufferUse): GPUBuffer {
    const size = roundUp(Math.max(byteLength, 1), bindingAlignment);
    const { maxBufferSize } = this.#device.limits;
    if (size > maxBufferSize) {
      throw new HeadpoolError(
        'MEMORY_LIMIT',
        `The work needs ${formatMiB(size)} in one piece, over the ${formatMiB(maxBufferSize)} that the device has for a buffer; split the batch`,
      );
    }
    const index = this.#kept.findIndex((buffer) => buffer.size === size && this.#uses.get(buffer) === use);
    const [kept] = index < 0 ? [] : this.#kept.splice(index, 1);
    const buffer = kept ?? this.#device.createBuffer({ size, usage: usages[use] });
    this.#uses.set(buffer, use);
    this.#counters.addBuffers(size);
    return buffer;
  }

  give(buffer: GPUBuffer): void {
    this.#counters.addBuffers(-buffer.size);
    this.#kept.push(buffer);
    let keptBytes = this.#kept.reduce((sum, { size }) => sum + size, 0);
    // The oldest first.
    while (keptBytes > mostKeptBytes) {
      const oldest = this.#kept.shift()!;
      keptBytes -= oldest.size;
      this.#uses.delete(oldest);
      oldest.destroy();
    }
  }
}

export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
