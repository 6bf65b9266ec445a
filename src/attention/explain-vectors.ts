// What becomes of a row before it is scored, in float64: the projection of one head, RMSNorm and rope.
import type { ResolvedRotary } from './resolved-options.js';
import type { Linear } from './weights.js';

/** x·Wᵀ + b of one head: `dims` outputs from `head · dims` on. */
export function projectHead(
  { weight, bias, inputs }: Linear,
  x: ArrayLike<number>, // [inputs]
  head: number,
  dims: number,
): Float64Array {
  return Float64Array.from({ length: dims }, (_, d) => {
    const output = head * dims + d;
    let sum = bias?.data[output] ?? 0;
    for (let n = 0; n < inputs; n++) sum += x[n]! * weight.data[output * inputs + n]!;
    return sum;
  });
}

/** x / √(mean(x²) + epsilon) · weight (Zhang & Sennrich, 2019). */
export function normalise(x: Float64Array, weight: ArrayLike<number>, epsilon: number): Float64Array {
  const meanSquare = x.reduce((sum, value) => sum + value * value, 0) / x.length;
  const factor = 1 / Math.sqrt(meanSquare + epsilon);
  return x.map((value, d) => value * factor * weight[d]!);
}

/** Turns pair i of the first `dims` numbers by position · base^(-2i / dims) (Su et al., 2021). */
export function turn(
  x: Float64Array,
  position: number,
  { base, dims, interleaved }: ResolvedRotary,
): Float64Array {
  // At position 0 nothing turns: multiplied by sin 0, an infinity would become NaN.
  if (position === 0) return x;
  const turned = x.slice();
  for (let i = 0; i < dims / 2; i++) {
    const angle = position * base ** ((-2 * i) / dims);
    const [first, second] = interleaved ? [2 * i, 2 * i + 1] : [i, i + dims / 2];
    const [a, b] = [x[first]!, x[second]!];
    turned[first] = a * Math.cos(angle) - b * Math.sin(angle);
    turned[second] = b * Math.cos(angle) + a * Math.sin(angle);
  }
  return turned;
}
