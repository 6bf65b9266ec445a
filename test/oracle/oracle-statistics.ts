// Head statistics from materialised weights: what the kernels gather while they stream.

/** [batch, heads] each: means over the rows of a head that attend at least one key, 0 where none does. */
export interface OracleStatistics {
  /** -Σ p ln p, in nats. */
  readonly entropy: Float64Array;
  /** Σ p · |position(i) - j|. */
  readonly meanDistance: Float64Array;
  /** The weights of key 0 and of the keys at position(i), before it and after it. */
  readonly first: Float64Array;
  readonly self: Float64Array;
  readonly previous: Float64Array;
  readonly next: Float64Array;
  /** The largest weight. */
  readonly largest: Float64Array;
  /** L2 norm of the head's output row. */
  readonly outputNorm: Float64Array;
  /** L2 norm of W^O_h · o, of layers only. */
  readonly contributionNorm?: Float64Array;
}

/** Weights and outputs of all rows; row = (b · heads + h) · queries + i. */
export interface WeighedRows {
  readonly dims: {
    readonly batch: number;
    readonly heads: number;
    readonly queries: number;
    readonly keys: number;
    /** Keys and extra keys, which have no position: they count in entropy and largest only. */
    readonly columns: number;
    readonly valueDim: number;
  };
  readonly weights: ArrayLike<number>; // [rows, columns]
  readonly output: ArrayLike<number>; // [rows, valueDim]
  readonly isAttending: (row: number) => boolean;
  readonly positionOf: (b: number, i: number) => number;
}

export function statisticsOf({
  dims,
  weights,
  output,
  isAttending,
  positionOf,
}: WeighedRows): Omit<OracleStatistics, 'contributionNorm'> {
  const { batch, heads, queries, keys, columns, valueDim } = dims;
  /** The mean of `measure` over the attending rows of each head. */
  const meanOf = (measure: (row: number, position: number) => number): Float64Array =>
    Float64Array.from({ length: batch * heads }, (_, head) => {
      let sum = 0;
      let rows = 0;
      for (let i = 0; i < queries; i++) {
        const row = head * queries + i;
        if (!isAttending(row)) continue;
        sum += measure(row, positionOf(Math.floor(head / heads), i));
        rows++;
      }
      return rows === 0 ? 0 : sum / rows;
    });
  const weightAt = (row: number, j: number): number => (j >= 0 && j < keys ? weights[row * columns + j]! : 0);
  const sumOver = (count: number, term: (j: number) => number): number => {
    let sum = 0;
    for (let j = 0; j < count; j++) sum += term(j);
    return sum;
  };
  return {
    entropy: meanOf((row) =>
      sumOver(columns, (j) => {
        const p = weights[row * columns + j]!;
        return p === 0 ? 0 : -p * Math.log(p);
      }),
    ),
    meanDistance: meanOf((row, position) => sumOver(keys, (j) => weightAt(row, j) * Math.abs(position - j))),
    first: meanOf((row) => weightAt(row, 0)),
    self: meanOf((row, position) => weightAt(row, position)),
    previous: meanOf((row, position) => weightAt(row, position - 1)),
    next: meanOf((row, position) => weightAt(row, position + 1)),
    largest: meanOf((row) => {
      let largest = 0;
      for (let j = 0; j < columns; j++) largest = Math.max(largest, weights[row * columns + j]!);
      return largest;
    }),
    outputNorm: meanOf((row) => Math.sqrt(sumOver(valueDim, (d) => output[row * valueDim + d]! ** 2))),
  };
}
