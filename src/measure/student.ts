// Student's t distribution, and how far apart the means of two small samples may lie by it. Pure.
import { expected } from '../core/errors.js';
import { mean as meanOf, type Interval } from './statistics.js';

/** A mean, or a difference of means, and where it lies. */
export interface MeanEstimate {
  readonly mean: number;
  readonly interval: Interval;
}

/**
 * mean(b) - mean(a) and where it lies with the given confidence, for samples whose variances may differ (Welch, 1947, with
 * the degrees of freedom of Satterthwaite, 1946).
 * @throws INVALID_OPTION with fewer than two samples on a side
 */
export function meanDifference(a: readonly number[], b: readonly number[], confidence: number): MeanEstimate {
  const [first, second] = [describeMean(a, 'a'), describeMean(b, 'b')];
  const mean = second.mean - first.mean;
  const variance = first.variance + second.variance;
  if (variance === 0) return { mean, interval: { low: mean, high: mean } };
  const freedom =
    variance ** 2 / (first.variance ** 2 / (a.length - 1) + second.variance ** 2 / (b.length - 1));
  const reach = studentQuantile(confidence, freedom) * Math.sqrt(variance);
  return { mean, interval: { low: mean - reach, high: mean + reach } };
}

/**
 * The mean of the population that the samples come from, with the given confidence.
 * @throws INVALID_OPTION with fewer than two samples
 */
export function meanInterval(samples: readonly number[], confidence: number): MeanEstimate {
  const { mean, variance } = describeMean(samples, 'samples');
  const reach = variance === 0 ? 0 : studentQuantile(confidence, samples.length - 1) * Math.sqrt(variance);
  return { mean, interval: { low: mean - reach, high: mean + reach } };
}

/** How many standard errors a t variable with `freedom` degrees of freedom stays within, with probability `confidence`. */
export function studentQuantile(confidence: number, freedom: number): number {
  const outside = 1 - confidence;
  let [low, high] = [0, 1];
  while (bothTails(high, freedom) > outside) [low, high] = [high, 2 * high];
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2;
    if (bothTails(middle, freedom) > outside) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The mean, and the variance of this mean. */
function describeMean(samples: readonly number[], name: string): { mean: number; variance: number } {
  const count = samples.length;
  if (count < 2) throw expected('INVALID_OPTION', 'at least two numbers', name, samples);
  const mean = meanOf(samples);
  const squares = samples.reduce((sum, sample) => sum + (sample - mean) ** 2, 0);
  return { mean, variance: squares / (count - 1) / count };
}

/** The probability of |T| > t. */
function bothTails(t: number, freedom: number): number {
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

/** The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22) from the innermost term outwards. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  // The fraction converges fast on this side of the bulk only.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  // How many terms give 9 digits grows with the root of the larger parameter.
  const terms = Math.ceil(20 + 2 * Math.sqrt(Math.max(a, b)));
  let fraction = 1;
  for (let m = terms; m >= 0; m--) {
    const odd = -((a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    fraction = 1 + odd / fraction;
    if (m > 0) fraction = 1 + (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)) / fraction;
  }
  const scale = logGamma(a + b) - logGamma(a) - logGamma(b);
  return Math.exp(a * Math.log(x) + b * Math.log1p(-x) + scale) / (a * fraction);
}

/** ln Γ(x) of x > 0: Stirling's series, from 10 on, where three terms give 10 digits. */
function logGamma(x: number): number {
  let below = 0;
  let at = x;
  for (; at < 10; at++) below += Math.log(at);
  const series = (1 / 12 - (1 / 360 - 1 / (1260 * at ** 2)) / at ** 2) / at;
  return (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series - below;
}
