// What of an operand a binding of the device holds: all of it, else a part; what can't be cut is refused by name.
import { HeadpoolError } from '../../../../src/core/errors.js';
import type { AdapterLimits } from '../../../../src/core/protocol/kernels.js';
import { formatMiB } from '../../../../src/core/tensor/shared-memory.js';
import type { Region } from '../../../../src/core/tensor/region.js';
import { bindingAlignment, roundUp } from '../device-buffers.js';
import type { Bound, Scratch } from '../dispatch.js';

export type BindingLimits = Pick<AdapterLimits, 'maxStorageBufferBindingSize'>;

/** What parts can be bound of. */
export type Whole = Region | Scratch;

/** Elements [first, end) of an operand, floats by default. */
export interface Stretch {
  readonly of: Whole;
  readonly first: number;
  readonly end: number;
  readonly elementBytes?: number;
}

/** What is bound of an operand, and the element of the operand that it begins with. */
export interface Window {
  readonly bound: Whole | Extract<Bound, { readonly kind: 'part' }>;
  readonly start: number;
}

// Whole vectors of four numbers, whatever the shader declares.
const vectorBytes = 16;

export class BindingLimit {
  readonly #bytes: number;

  constructor({ maxStorageBufferBindingSize }: BindingLimits) {
    this.#bytes = maxStorageBufferBindingSize;
  }

  /** Whether a binding holds all of an operand, as buffers are made for it. */
  holds(operand: Bound): boolean {
    return roundUp(bytesOf(operand), bindingAlignment) <= this.#bytes;
  }

  /** Whether it holds `length` elements of an operand, wherever they begin. */
  holdsStretch(operand: Whole, length: number, elementBytes = 4): boolean {
    return this.holds(operand) || length * elementBytes + bindingAlignment + vectorBytes <= this.#bytes;
  }

  /** The operand itself where a binding holds all of it. */
  windowOf({ of, first, end, elementBytes = 4 }: Stretch): Window {
    if (this.holds(of)) return { bound: of, start: 0 };
    // An entry of no rows may begin where the operand ends.
    const firstByte = Math.min(first * elementBytes, of.byteLength - 1);
    const byteOffset = Math.floor(firstByte / bindingAlignment) * bindingAlignment;
    const byteLength = roundUp(Math.min(end * elementBytes, of.byteLength), vectorBytes) - byteOffset;
    return { bound: { kind: 'part', of, byteOffset, byteLength }, start: byteOffset / elementBytes };
  }

  /** @throws MEMORY_LIMIT naming the first of the operands that a binding doesn't hold */
  require(operands: Readonly<Record<string, Bound>>): void {
    for (const [name, operand] of Object.entries(operands)) {
      if (!this.holds(operand)) throw this.refusal(name, bytesOf(operand));
    }
  }

  /** The error of an operand of which too much would have to be bound at a time. */
  refusal(name: string, byteLength: number): HeadpoolError {
    return new HeadpoolError(
      'MEMORY_LIMIT',
      `The work needs ${formatMiB(byteLength)} of ${name} at a time, over the ${formatMiB(this.#bytes)} that the device binds (maxStorageBufferBindingSize: ${this.#bytes}); split the work or use the processor`,
    );
  }
}

function bytesOf(operand: Bound): number {
  return 'kind' in operand && operand.kind === 'table' ? operand.bytes.byteLength : operand.byteLength;
}

/** The largest count from 0 to `most` for which `fits` says yes; where it does, it does for all smaller ones. */
export function largest(most: number, fits: (count: number) => boolean): number {
  let [low, high] = [0, most];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** [first, end) of the blocks of `length` that `count` things are cut into. */
export function blocksOf(count: number, length: number): (readonly [number, number])[] {
  return Array.from({ length: Math.ceil(count / length) }, (_, n) => [
    n * length,
    Math.min((n + 1) * length, count),
  ]);
}
