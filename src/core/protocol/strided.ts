// Where numbers lie: the one form of every operand, on its way to a worker and in it.
import type { Region } from '../tensor/region.js';

/** Numbers from `offset` on. `data` is a region on its way to a worker, and an array where it is read. */
export interface Slice<Data = Region> {
  readonly data: Data;
  readonly offset: number;
}

/**
 * Element (entry, head, row, column) lies at `offset` + the sum of the strides, which count elements; 0 repeats.
 * Operands whose entries lie anywhere have an entryStride of 0, and their offsets in the table of entries.
 */
export interface Strided<Data = Region> extends Slice<Data> {
  readonly entryStride: number;
  readonly headStride: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** The same operand on other data: a region for an array, or an array for a region. */
export function onData<From, To, Operand extends Slice<From>>(
  operand: Operand,
  open: (data: From) => To,
): Omit<Operand, 'data'> & Slice<To> {
  return { ...operand, data: open(operand.data) };
}

/** The operand from one of its elements on. */
export function from<Operand extends Strided<unknown>>(
  operand: Operand,
  at: { readonly entry?: number; readonly head?: number; readonly row?: number; readonly column?: number },
): Operand {
  const { entry = 0, head = 0, row = 0, column = 0 } = at;
  const { entryStride, headStride, rowStride, columnStride } = operand;
  const offset =
    operand.offset + entry * entryStride + head * headStride + row * rowStride + column * columnStride;
  return { ...operand, offset };
}

/** The rows of a head on from the start of its entry, of an operand whose entries lie anywhere. */
export function entryFrom<Data>(operand: Strided<Data>, start: number, head: number, row = 0): Strided<Data> {
  const { offset, headStride, rowStride } = operand;
  return { ...operand, offset: offset + start + head * headStride + row * rowStride };
}

/** Rows of `length` numbers in one run, the heads of a row side by side; an entry has `rows` of them. */
export function rowsTogether<Data>(
  data: Data,
  offset: number,
  heads: number,
  length: number,
  rows = 0,
): Strided<Data> {
  const rowStride = heads * length;
  return { data, offset, entryStride: rows * rowStride, headStride: length, rowStride, columnStride: 1 };
}
