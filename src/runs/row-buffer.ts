// Shared memory for rows of one width that is used again for every chunk, and grows where a chunk needs more.
import type { Tensor } from '../core/tensor/tensor.js';

type SharedFloats = Float32Array<SharedArrayBuffer>;

export class RowBuffer {
  /** Numbers of a row. */
  readonly width: number;
  readonly #usualRows: number;
  #floats: SharedFloats = floats(0);

  /** @param usualRows what most chunks have at most: asked for at once, lest every chunk asks for a little more */
  constructor(width: number, usualRows: number) {
    this.width = width;
    this.#usualRows = usualRows;
  }

  /** Makes room for `rows`; what the buffer held is lost if it grows. */
  reserve(rows: number): void {
    if (rows * this.width <= this.#floats.length) return;
    // Half of the usual is a small input: it gets what it needs.
    const room = rows * 2 > this.#usualRows ? Math.max(rows, this.#usualRows) : rows;
    this.#floats = floats(0);
    this.#floats = floats(room * this.width);
  }

  rows(begin: number, end: number): SharedFloats {
    return this.#floats.subarray(begin * this.width, end * this.width);
  }

  /** The first rows [rows, width]. */
  tensor(rows: number): Tensor {
    return { shape: [rows, this.width], data: this.rows(0, rows) };
  }
}

function floats(length: number): SharedFloats {
  return new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
}
