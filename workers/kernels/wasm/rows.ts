// Blocks of rows by (group member, query), the form in which attention reads and writes its operands: where they lie
// in the shared memory, or a dense copy of them in scratch space.
import type { Slice } from '../kernel.js';
import type { Machine } from './machine.js';

/** Row (g, i) is the `length` neighbours from g * headStride + i * queryStride on; a stride of 0 repeats. */
export interface Rows<T extends Float32Array | Uint8Array = Float32Array> {
  readonly slice: Slice<T>;
  readonly headStride: number;
  readonly queryStride: number;
  readonly length: number;
  readonly group: number;
  readonly queries: number;
}

/** The same rows as the compiled kernel sees them. */
export interface Placed {
  readonly address: number;
  readonly headStride: number;
  readonly queryStride: number;
}

/** Rows to read: in place, or copied in. */
export function placeInput<T extends Float32Array | Uint8Array>(machine: Machine, rows: Rows<T>): Placed {
  return placeInMemory(machine, rows) ?? copyRowsIn(machine, rows);
}

/** Rows to write: in place, or in scratch space, from where `copyBack` brings them. */
export function placeOutput(machine: Machine, rows: Rows, isAdded: boolean): Placed & { copyBack(): void } {
  const inPlace = placeInMemory(machine, rows);
  if (inPlace !== undefined) return { ...inPlace, copyBack() {} };
  const placed = isAdded ? copyRowsIn(machine, rows) : takeRows(machine, rows);
  return {
    ...placed,
    copyBack() {
      forEachRow(rows, placed, (offset, address) => {
        rows.slice.data.set(machine.scratch.floatsAt(address, rows.length), offset);
      });
    },
  };
}

function placeInMemory(machine: Machine, rows: Rows<Float32Array | Uint8Array>): Placed | undefined {
  const address = machine.addressOf(rows.slice);
  return address === undefined
    ? undefined
    : { address, headStride: rows.headStride, queryStride: rows.queryStride };
}

function takeRows(machine: Machine, rows: Rows<Float32Array | Uint8Array>): Placed {
  const queries = rows.queryStride === 0 ? 1 : rows.queries;
  const heads = rows.headStride === 0 ? 1 : rows.group;
  return {
    address: machine.scratch.takeBytes(heads * queries * rows.length * rows.slice.data.BYTES_PER_ELEMENT),
    headStride: rows.headStride === 0 ? 0 : queries * rows.length,
    queryStride: rows.queryStride === 0 ? 0 : rows.length,
  };
}

function copyRowsIn(machine: Machine, rows: Rows<Float32Array | Uint8Array>): Placed {
  const placed = takeRows(machine, rows);
  forEachRow(rows, placed, (offset, address) => {
    machine.scratch.write(address, rows.slice.data.subarray(offset, offset + rows.length));
  });
  return placed;
}

function forEachRow(
  rows: Rows<Float32Array | Uint8Array>,
  placed: Placed,
  visit: (offset: number, address: number) => void,
): void {
  const { slice, headStride, queryStride } = rows;
  const queries = queryStride === 0 ? 1 : rows.queries;
  const heads = headStride === 0 ? 1 : rows.group;
  for (let g = 0; g < heads; g++) {
    for (let i = 0; i < queries; i++) {
      const element = g * placed.headStride + i * placed.queryStride;
      visit(
        slice.offset + g * headStride + i * queryStride,
        placed.address + element * slice.data.BYTES_PER_ELEMENT,
      );
    }
  }
}
