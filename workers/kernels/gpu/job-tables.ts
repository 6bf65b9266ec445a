// The tables and uniform blocks of a job, in one buffer that is uploaded at once.
import { bindingAlignment, roundUp } from './device-buffers.js';
import type { Dispatch, Table } from './dispatch.js';

// Whole vectors of four numbers, whatever the shader declares.
const leastBytes = 16;

export class JobTables {
  /** All of them, each from a multiple of the alignment of bindings on. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #places = new Map<Table | ArrayBuffer, { readonly offset: number; readonly size: number }>();

  constructor(dispatches: readonly Dispatch[]) {
    const contents = new Map<Table | ArrayBuffer, Uint8Array>();
    for (const { uniform, bound } of dispatches) {
      contents.set(uniform, new Uint8Array(uniform));
      for (const operand of bound) {
        if ('kind' in operand && operand.kind === 'table') contents.set(operand, operand.bytes);
      }
    }
    let end = 0;
    for (const [owner, { byteLength }] of contents) {
      const size = roundUp(Math.max(byteLength, leastBytes), leastBytes);
      this.#places.set(owner, { offset: end, size });
      end += roundUp(size, bindingAlignment);
    }
    this.bytes = new Uint8Array(end);
    for (const [owner, bytes] of contents) this.bytes.set(bytes, this.#places.get(owner)!.offset);
  }

  /** What to bind of the buffer that holds them. */
  binding(buffer: GPUBuffer, owner: Table | ArrayBuffer): GPUBufferBinding {
    return { buffer, ...this.#places.get(owner)! };
  }
}
