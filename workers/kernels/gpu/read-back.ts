// What of a job comes back to the host: its results, and numbers from which the host makes some; all through one buffer.
import type { RegionViews } from '../../../src/core/tensor/region.js';
import { bindingAlignment, roundUp } from './device-buffers.js';
import type { ReadBack } from './dispatch.js';
import type { JobMemory } from './job-memory.js';

interface Copy {
  readonly from: GPUBuffer;
  readonly at: number;
  readonly byteLength: number;
  readonly conclude: (mapped: ArrayBuffer, at: number) => void;
}

export class ReadBacks {
  readonly #copies: Copy[] = [];
  /** Of the buffer that they all go through. */
  readonly byteLength: number;

  /** @param memory with all that the job writes */
  constructor(memory: JobMemory, wanted: readonly ReadBack[], views: RegionViews) {
    let end = 0;
    const add = (from: GPUBuffer, byteLength: number, conclude: Copy['conclude']): void => {
      if (byteLength === 0) return;
      this.#copies.push({ from, at: end, byteLength, conclude });
      end += roundUp(byteLength, bindingAlignment);
    };
    for (const [buffer, region] of memory.results) {
      add(buffer, region.byteLength, (mapped, at) => {
        views.bytes(region).set(new Uint8Array(mapped, at, region.byteLength));
      });
    }
    for (const { from, byteLength = from.byteLength, conclude } of wanted) {
      add(memory.scratchOf(from), byteLength, (mapped, at) => {
        conclude(new Float32Array(mapped, at, byteLength / 4));
      });
    }
    this.byteLength = end;
  }

  get count(): number {
    return this.#copies.length;
  }

  encode(encoder: GPUCommandEncoder, staging: GPUBuffer): void {
    for (const { from, at, byteLength } of this.#copies) {
      encoder.copyBufferToBuffer(from, 0, staging, at, roundUp(byteLength, 4));
    }
  }

  /** @param mapped the buffer, once the device has filled it */
  conclude(mapped: ArrayBuffer): void {
    for (const { at, conclude } of this.#copies) conclude(mapped, at);
  }
}
