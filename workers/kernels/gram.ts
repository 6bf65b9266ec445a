// Gram matrices, summed in float64.

/** Some columns of a matrix of rows. */
interface Columns {
  readonly rows: number;
  readonly width: number;
  readonly start: number;
  readonly columns: number;
}

/** Mᵀ·M of the columns M: [columns, columns]. */
export function gramOf(matrix: Float32Array, { rows, width, start, columns }: Columns): Float64Array {
  const sums = new Float64Array(columns * columns);
  for (let row = 0; row < rows; row++) {
    const first = row * width + start;
    for (let a = 0; a < columns; a++) {
      const factor = matrix[first + a]!;
      for (let b = 0; b <= a; b++) sums[a * columns + b]! += factor * matrix[first + b]!;
    }
  }
  for (let a = 0; a < columns; a++) {
    for (let b = 0; b < a; b++) sums[b * columns + a] = sums[a * columns + b]!;
  }
  return sums;
}
