// Where operands of the plain kernels lie: in matrices between dispatches, and the same number everywhere.
import type { Bound, Scratch, Table } from '../dispatch.js';
import type { Placed } from './translate.js';

/** Memory for `length` floats between dispatches. */
export function createScratch(length: number): Scratch {
  return { kind: 'scratch', byteLength: 4 * Math.max(1, length) };
}

/** [heads, rows, columns] without gaps. */
export function matrix(data: Bound, rows: number, columns: number, offset = 0): Placed {
  return { data, offset, headStride: rows * columns, rowStride: columns, columnStride: 1 };
}

/** A number of each row: column x of `columns` is row x of `rows`. */
export function turned(columns: Placed): Placed {
  return { ...columns, headStride: columns.rowStride, rowStride: columns.columnStride, columnStride: 0 };
}

/** The same float at every place, for an operand that a call doesn't have. */
export function everywhere(number: number): Placed {
  return repeated(new Uint8Array(Float32Array.of(number).buffer));
}

/** The byte 1 at every place: a mask that leaves nothing out. */
export function everything(): Placed {
  return repeated(Uint8Array.of(1, 0, 0, 0));
}

function repeated(bytes: Uint8Array<ArrayBuffer>): Placed {
  const data: Table = { kind: 'table', bytes };
  return { data, offset: 0, headStride: 0, rowStride: 0, columnStride: 0 };
}

/** Ranges of at most `most` of `length` things. */
export function cut(length: number, most: number): { readonly first: number; readonly count: number }[] {
  return Array.from({ length: Math.ceil(length / most) }, (_, n) => {
    return { first: n * most, count: Math.min(most, length - n * most) };
  });
}
