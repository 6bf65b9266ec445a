// Blocks of rows by (group member, query), the form in which attention reads and writes its operands: where they lie
// in the shared memory, or a dense copy of them in scratch space.
import type { Slice } from '../../../src/core/protocol/strided.js';
import type { Machine } from './machine.js';

type RowNumbers = Float32Array | Uint8Array;

/** Row (g, i) is the `length` neighbours from g * headStride + i * queryStride on; a stride of 0 repeats. */
export interface Rows<T extends RowNumbers = Float32Array> {
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
  /** Whether the address is that of a copy. */
  readonly isCopy: boolean;
}

export const nowhere: Placed = { address: 0, headStride: 0, queryStride: 0, isCopy: false };

/** Rows to read, or to read and add to: in place, or copied in. */
export function placeInput(machine: Machine, rows: Rows<RowNumbers>): Placed {
  const placed = placeOutput(machine, rows);
  if (placed.isCopy) {
    forEachRow(rows, placed, (offset, address) => {
      machine.scratch.write(address, rows.slice.data.subarray(offset, offset + rows.length));
    });
  }
  return placed;
}

/** Rows to write: in place, or in scratch space, from where `copyBack` brings them. */
export function placeOutput(machine: Machine, rows: Rows<RowNumbers>): Placed {
  const { slice, headStride, queryStride, length, group, queries } = rows;
  const address = machine.addressOf(slice);
  if (address !== undefined) return { address, headStride, queryStride, isCopy: false };
  const rowsOfHead = queryStride === 0 ? 1 : queries;
  const heads = headStride === 0 ? 1 : group;
  return {
    address: machine.scratch.takeBytes(heads * rowsOfHead * length * slice.data.BYTES_PER_ELEMENT),
    headStride: headStride === 0 ? 0 : rowsOfHead * length,
    queryStride: queryStride === 0 ? 0 : length,
    isCopy: true,
  };
}

/** Brings computed rows to where they belong, if they aren't there. */
export function copyBack(machine: Machine, rows: Rows, placed: Placed): void {
  if (!placed.isCopy) return;
  forEachRow(rows, placed, (offset, address) => {
    rows.slice.data.set(machine.scratch.floatsAt(address, rows.length), offset);
  });
}

function forEachRow(
  rows: Rows<RowNumbers>,
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
