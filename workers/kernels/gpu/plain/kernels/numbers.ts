// Functions that WGSL has, at a precision that it doesn't promise.

/** e^x for x <= 0 of full precision: below 2^-126 it is 0. NaN stays NaN. */
export function exponential(x: number): number {
  if (x < -87.33) return 0;
  // x = n ln 2 + r. The first part of ln 2 has so few bits that its product with n is exact (Cody & Waite, 1980).
  const n = Math.floor(x * 1.44269504 + 0.5);
  const r = x - n * 0.693359375 + n * 0.00021219444;
  let sum = 0.008290315;
  sum = sum * r + 0.04189793;
  sum = sum * r + 0.16666763;
  sum = sum * r + 0.49999151;
  sum = sum * r + 0.9999997;
  sum = sum * r + 1;
  return sum * halved(-n);
}

/** 2^-n for whole n from 0 to 126, exactly: the product of 2^-(2^i) over the bits i of n. */
export function halved(n: number): number {
  let power = 1;
  let factor = 0.5;
  let bits = n;
  for (let bit = 0; bit < 7; bit++) {
    const rest = Math.floor(bits * 0.5);
    if (bits - rest - rest > 0.5) power *= factor;
    factor *= factor;
    bits = rest;
  }
  return power;
}

/** tanh x; small ones by the series of the field, as 1 - e^-2x would have lost their digits. */
export function hyperbolicTangent(x: number): number {
  const size = Math.abs(x);
  if (size < 0.25) {
    const square = x * x;
    let sum = 0.021869488;
    sum = -0.053968254 + square * sum;
    sum = 0.13333333 + square * sum;
    sum = -0.33333334 + square * sum;
    return x + x * (square * sum);
  }
  const power = exponential(-2 * size);
  const tangent = (1 - power) / (1 + power);
  if (x < 0) return -tangent;
  return tangent;
}
