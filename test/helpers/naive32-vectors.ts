// The plain float32 program in front of the scores: RMSNorm and rope of queries and keys, rounded after each operation.
import type { OracleInputs } from '../oracle/oracle.js';

const { fround, cos, sin, sqrt } = Math;

/** The same inputs with q and k normalised, then turned. */
export function prepareNaive32(inputs: OracleInputs): OracleInputs {
  const { dims, qkNorm, rope, offset, causalOffset } = inputs;
  if (qkNorm === undefined && rope === undefined) return inputs;
  const apply = (
    x: ArrayLike<number>,
    rowsOfEntry: number,
    tokens: number,
    weight: ArrayLike<number> | undefined,
    positionOf: (b: number, token: number) => number,
  ): Float64Array => {
    const { headDim } = dims;
    const result = Float64Array.from(x);
    for (let row = 0; row < result.length / headDim; row++) {
      const head = result.subarray(row * headDim, (row + 1) * headDim);
      if (weight !== undefined) normalise(head, weight, qkNorm?.epsilon ?? 1e-6);
      if (rope !== undefined) turn(head, positionOf(Math.floor(row / rowsOfEntry), row % tokens), rope);
    }
    return result;
  };
  const diagonal = (b: number, i: number): number => i + (offset?.(b) ?? causalOffset?.(b) ?? 0);
  const { heads, kvHeads, queries, keys } = dims;
  return {
    ...inputs,
    q: apply(inputs.q, heads * queries, queries, qkNorm?.q, rope?.queryPosition ?? diagonal),
    k: apply(inputs.k, kvHeads * keys, keys, qkNorm?.k, rope?.keyPosition ?? ((_, j) => j)),
  };
}

function normalise(x: Float64Array, weight: ArrayLike<number>, epsilon: number): void {
  let squares = 0;
  for (const value of x) squares = fround(squares + fround(value * value));
  const norm = fround(sqrt(fround(fround(squares / x.length) + fround(epsilon))));
  for (let d = 0; d < x.length; d++) x[d] = fround(fround(x[d]! / norm) * weight[d]!);
}

function turn(
  x: Float64Array,
  position: number,
  { base, dims = x.length, interleaved = false }: NonNullable<OracleInputs['rope']>,
): void {
  for (let n = 0; n < dims / 2; n++) {
    const angle = fround(position * fround(base ** ((-2 * n) / dims)));
    const [c, s] = [fround(cos(angle)), fround(sin(angle))];
    const first = interleaved ? 2 * n : n;
    const second = interleaved ? first + 1 : first + dims / 2;
    const [a, b] = [x[first]!, x[second]!];
    x[first] = fround(fround(a * c) - fround(b * s));
    x[second] = fround(fround(a * s) + fround(b * c));
  }
}
