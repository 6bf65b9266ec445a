// A dense copy in scratch space of an operand that lies outside the shared memory; axes that repeat are there once.
import type { Operand } from '../kernel.js';
import type { Numbers } from '../parameters.js';
import type { Scratch } from './scratch.js';

export interface OperandCopy extends Pick<Operand, 'headStride' | 'rowStride' | 'columnStride'> {
  readonly address: number;
  copyIn(): void;
  /** Brings rows whose columns are neighbours to where they belong. */
  copyBack(): void;
}

export function copyOperand(
  scratch: Scratch,
  { data, offset, headStride, rowStride, columnStride }: Operand<Numbers>,
  extent: { readonly heads: number; readonly rows: number; readonly columns: number },
): OperandCopy {
  const heads = headStride === 0 ? 1 : extent.heads;
  const rows = rowStride === 0 ? 1 : extent.rows;
  const columns = columnStride === 0 ? 1 : extent.columns;
  const address = scratch.take(heads * rows * columns * data.BYTES_PER_ELEMENT);

  /** Visits the copies of rows, and where each row starts. */
  const forEachRow = (visit: (copy: Numbers, start: number) => void): void => {
    const all = scratch.view(data, address, heads * rows * columns);
    for (let head = 0; head < heads; head++) {
      for (let row = 0; row < rows; row++) {
        const first = (head * rows + row) * columns;
        visit(all.subarray(first, first + columns), offset + head * headStride + row * rowStride);
      }
    }
  };
  return {
    address,
    headStride: headStride === 0 ? 0 : rows * columns,
    rowStride: rowStride === 0 ? 0 : columns,
    columnStride: columnStride === 0 ? 0 : 1,
    copyIn() {
      forEachRow((copy, start) => {
        if (columnStride <= 1) copy.set(data.subarray(start, start + columns));
        else for (let n = 0; n < columns; n++) copy[n] = data[start + n * columnStride]!;
      });
    },
    copyBack() {
      forEachRow((copy, start) => {
        data.set(copy, start);
      });
    },
  };
}
