// Compares computed numbers with expected ones: |actual - expected| <= atol + rtol · |expected|, NaN only matching
// NaN and infinities only themselves.
import { decodeF16, decodeInto, encodeF16 } from '../core/tensor/dtype.js';
import { formatShape, isSameShape } from '../core/tensor/shape.js';
import type { TensorLike } from '../core/tensor/tensor.js';
import type { CaseTensor } from './case.js';

export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** The element that misses its tolerance by most, or comes nearest to it. */
export interface WorstElement {
  readonly index: readonly number[];
  readonly actual: number;
  readonly expected: number;
}

export interface Comparison {
  readonly output: string;
  /** Elements outside the tolerance; all of them where the shapes differ. */
  readonly differing: number;
  readonly count: number;
  /** Undefined where there is nothing to compare: no elements, or other shapes. */
  readonly worst: WorstElement | undefined;
  /** What is wrong, in one line; undefined if nothing is. */
  readonly problem: string | undefined;
}

/** Compares `actual` with `expected`, at F16 where that is what `expected` is stored as. */
export function compareTensors(
  output: string,
  actual: TensorLike,
  expected: CaseTensor,
  tolerance: Tolerance,
): Comparison {
  const count = expected.data.length;
  if (!isSameShape(actual.shape, expected.shape)) {
    const problem = `\`${output}\`: expected shape ${formatShape(expected.shape)}, got ${formatShape(actual.shape)}`;
    return { output, differing: count, count, worst: undefined, problem };
  }
  const numbers = new Float32Array(actual.data.length);
  decodeInto(numbers, actual.data, actual.dtype ?? 'f32');
  if (expected.dtype === 'F16') numbers.forEach((number, n) => (numbers[n] = decodeF16(encodeF16(number))));

  let differing = 0;
  let worstAt = -1;
  let worstExcess = -1;
  for (let n = 0; n < count; n++) {
    const excess = measureExcess(numbers[n]!, expected.data[n]!, tolerance);
    if (excess > 1) differing++;
    if (excess > worstExcess) [worstAt, worstExcess] = [n, excess];
  }
  if (worstAt < 0) return { output, differing, count, worst: undefined, problem: undefined };
  const index = unravel(worstAt, expected.shape);
  const worst = { index, actual: numbers[worstAt]!, expected: expected.data[worstAt]! };
  const problem = differing === 0 ? undefined : describeWorst(output, differing, count, worst);
  return { output, differing, count, worst, problem };
}

/** The difference in units of what is allowed: up to 1 passes. */
function measureExcess(actual: number, expected: number, { rtol, atol }: Tolerance): number {
  if (actual === expected || (Number.isNaN(actual) && Number.isNaN(expected))) return 0;
  if (!Number.isFinite(actual) || !Number.isFinite(expected)) return Infinity;
  const difference = Math.abs(actual - expected);
  const allowed = atol + rtol * Math.abs(expected);
  // Not the quotient alone, which rounds: the rule is `<=`.
  return difference <= allowed
    ? Math.min(difference / allowed, 1)
    : Math.max(difference / allowed, 1 + Number.EPSILON);
}

function describeWorst(output: string, differing: number, count: number, worst: WorstElement): string {
  const where = `[${worst.index.join(', ')}]`;
  const numbers = `expected ${worst.expected}, got ${worst.actual}`;
  return `\`${output}\`: ${differing} of ${count} numbers differ, most at ${where}: ${numbers}`;
}

function unravel(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (let axis = shape.length - 1, rest = flat; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]!);
    rest = Math.floor(rest / shape[axis]!);
  }
  return index;
}
