// Operands from slices, for tests that say where their numbers lie. It imports nothing that runs.
import type { Slice, Strided } from '../../src/core/protocol/strided.js';

/** A slice with strides: its own first, then those given; without either, columns follow one another and all else repeats. */
export function strided<Data>(
  slice: Slice<Data>,
  strides: Partial<Omit<Strided, keyof Slice>> = {},
): Strided<Data> {
  return { entryStride: 0, headStride: 0, rowStride: 0, columnStride: 1, ...strides, ...slice };
}
