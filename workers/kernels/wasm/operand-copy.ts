// A dense copy in scratch space of an operand that lies outside the shared memory; axes that repeat are there once.
import type { Operand } from '../kernel.js';
import type { CopiedNumbers, Scratch } from './scratch.js';

export class OperandCopy {
  readonly address: number;
  readonly headStride: number;
  readonly rowStride: number;
  readonly columnStride: number;
  readonly #scratch: Scratch;
  readonly #operand: Operand<CopiedNumbers>;
  readonly #heads: number;
  readonly #rows: number;
  readonly #columns: number;

  constructor(
    scratch: Scratch,
    operand: Operand<CopiedNumbers>,
    heads: number,
    rows: number,
    columns: number,
  ) {
    this.#scratch = scratch;
    this.#operand = operand;
    this.#heads = operand.headStride === 0 ? 1 : heads;
    this.#rows = operand.rowStride === 0 ? 1 : rows;
    this.#columns = operand.columnStride === 0 ? 1 : columns;
    this.headStride = operand.headStride === 0 ? 0 : this.#rows * this.#columns;
    this.rowStride = operand.rowStride === 0 ? 0 : this.#columns;
    this.columnStride = operand.columnStride === 0 ? 0 : 1;
    const length = this.#heads * this.#rows * this.#columns;
    this.address = scratch.takeBytes(length * operand.data.BYTES_PER_ELEMENT);
  }

  copyIn(): void {
    this.#forEachRow((row, offset, stride) => {
      const { data } = this.#operand;
      if (stride <= 1) row.set(data.subarray(offset, offset + row.length));
      else for (let n = 0; n < row.length; n++) row[n] = data[offset + n * stride]!;
    });
  }

  copyBack(): void {
    this.#forEachRow((row, offset) => {
      this.#operand.data.set(row, offset);
    });
  }

  /** Visits the copies of rows, and where and how far apart the numbers of each lie. */
  #forEachRow(visit: (row: CopiedNumbers, offset: number, stride: number) => void): void {
    const { data, offset, headStride, rowStride, columnStride } = this.#operand;
    for (let head = 0; head < this.#heads; head++) {
      for (let row = 0; row < this.#rows; row++) {
        const element = head * this.headStride + row * this.rowStride;
        const address = this.address + element * data.BYTES_PER_ELEMENT;
        const copy = this.#scratch.view(data, address, this.#columns);
        visit(copy, offset + head * headStride + row * rowStride, columnStride);
      }
    }
  }
}
