// The precision promise as a check: float32 results against the float64 oracle and the plain float32 program.
import type { ExecutionContext } from 'ava';

type Numbers = ArrayLike<number>;

/** A result beside what the oracle and the plain float32 program say. */
export interface Measured {
  readonly actual: Numbers;
  readonly oracle: Numbers;
  readonly naive: Numbers;
}

/**
 * The promise max|actual - oracle| <= 2 · max|naive - oracle| + 2 ulp of the largest |oracle| over many results together.
 * Not of each alone: the plain program may be exact by chance on the one row of a small case that decides its maximum.
 */
export class PrecisionPool {
  #error = 0;
  #naiveError = 0;
  #largest = 0;
  #worst = '';

  add({ actual, oracle, naive }: Measured, label = ''): void {
    const { error, index } = largestError(actual, oracle);
    if (error > this.#error) {
      this.#error = error;
      this.#worst = `${label} element ${index}: got ${actual[index]!}, oracle ${oracle[index]!}, error ${error}`;
    }
    this.#naiveError = Math.max(this.#naiveError, largestError(naive, oracle).error);
    this.#largest = Math.max(this.#largest, largestMagnitude(oracle));
  }

  /** What breaks the promise, or undefined. */
  findProblem(): string | undefined {
    const allowed = 2 * this.#naiveError + 2 * ulp32(this.#largest);
    return this.#error <= allowed ? undefined : `${this.#worst} > ${allowed} allowed`;
  }
}

/**
 * What breaks the bound of the promise in one result: more than is promised, so for programs that are clearly wrong or
 * right. Infinities and NaN must stand where the oracle has them.
 */
export function findImprecision(measured: Measured): string | undefined {
  const pool = new PrecisionPool();
  pool.add(measured);
  return findMisfit(measured.actual, measured.oracle) ?? pool.findProblem();
}

/** What breaks "within 1e-5 absolute or 1e-4 relative", promised of every number on random normal inputs, or undefined. */
export function findDeviation(
  actual: Numbers,
  oracle: Numbers,
  absolute = 1e-5,
  relative = 1e-4,
): string | undefined {
  const misfit = findMisfit(actual, oracle);
  if (misfit !== undefined) return misfit;
  for (let n = 0; n < oracle.length; n++) {
    const error = Math.abs(actual[n]! - oracle[n]!);
    if (error > Math.max(absolute, relative * Math.abs(oracle[n]!))) {
      return `element ${n}: got ${actual[n]!}, oracle ${oracle[n]!}, error ${error}`;
    }
  }
  return undefined;
}

/** That `actual` is within 1e-5 absolute or 1e-4 relative of the oracle. */
export function assertClose(t: ExecutionContext, actual: Numbers, oracle: Numbers, what = 'output'): void {
  t.is(findDeviation(actual, oracle), undefined, what);
}

/** The distance of a float32 to the next larger one. */
export function ulp32(value: number): number {
  const exponent = Math.floor(Math.log2(Math.max(Math.abs(value), 2 ** -126)));
  return 2 ** (exponent - 23);
}

function findMisfit(actual: Numbers, oracle: Numbers): string | undefined {
  if (actual.length !== oracle.length) return `${actual.length} numbers instead of ${oracle.length}`;
  for (let n = 0; n < oracle.length; n++) {
    if (!Number.isFinite(oracle[n]!) || !Number.isFinite(actual[n]!)) {
      if (!Object.is(oracle[n], actual[n])) return `element ${n}: got ${actual[n]!}, oracle ${oracle[n]!}`;
    }
  }
  return undefined;
}

function largestError(actual: Numbers, oracle: Numbers): { readonly error: number; readonly index: number } {
  let [error, index] = [0, 0];
  for (let n = 0; n < oracle.length; n++) {
    const difference = Math.abs(actual[n]! - oracle[n]!);
    if (difference > error) [error, index] = [difference, n];
  }
  return { error, index };
}

export function largestMagnitude(numbers: Numbers): number {
  let largest = 0;
  for (let n = 0; n < numbers.length; n++) {
    if (Number.isFinite(numbers[n]!)) largest = Math.max(largest, Math.abs(numbers[n]!));
  }
  return largest;
}
