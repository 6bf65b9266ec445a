// Order statistics of measured samples, and how sure a median of them is. Pure: it measures nothing itself.
import { expected } from '../core/errors.js';
import { createRandom } from '../core/tensor/random.js';

/** The samples of one measurement in their own unit. */
export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly p10: number;
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Where a figure lies with the given confidence. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The value that the share `share` (0 … 1) of the samples don't exceed, interpolated between neighbours.
 * @throws INVALID_OPTION without samples
 */
export function percentile(samples: readonly number[], share: number): number {
  return percentileOfSorted(sort(samples), share);
}

/** NaN without samples. */
export function mean(samples: readonly number[]): number {
  return samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
}

/** @throws INVALID_OPTION without samples */
export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}

/** @throws INVALID_OPTION without samples */
export function summarise(samples: readonly number[]): Summary {
  const sorted = sort(samples);
  return {
    count: sorted.length,
    min: sorted[0]!,
    p10: percentileOfSorted(sorted, 0.1),
    median: percentileOfSorted(sorted, 0.5),
    p90: percentileOfSorted(sorted, 0.9),
    p99: percentileOfSorted(sorted, 0.99),
    max: sorted.at(-1)!,
  };
}

/** How far the middle 80 % of the samples lie apart, as a share of their median. */
export function relativeSpread({ p10, median: middle, p90 }: Summary): number {
  return (p90 - p10) / middle;
}

export interface BootstrapOptions {
  /** Default 0.95. */
  readonly confidence?: number;
  /** How many samples of the samples are drawn; default 2,000. */
  readonly resamples?: number;
  /** Default 0: the same samples give the same interval. */
  readonly seed?: number;
}

/**
 * The percentile bootstrap interval (Efron, 1979) of the median: of paired ratios, say.
 * @throws INVALID_OPTION without samples
 */
export function medianInterval(samples: readonly number[], options: BootstrapOptions = {}): Interval {
  const { confidence = 0.95, resamples = 2000, seed = 0 } = options;
  const sorted = sort(samples);
  const random = createRandom(seed);
  const drawn = new Float64Array(sorted.length);
  const medians = new Float64Array(resamples);
  for (let n = 0; n < resamples; n++) {
    for (let i = 0; i < drawn.length; i++) drawn[i] = sorted[Math.floor(random.uniform() * sorted.length)]!;
    medians[n] = percentileOfSorted(drawn.sort(), 0.5);
  }
  medians.sort();
  const outside = (1 - confidence) / 2;
  return { low: percentileOfSorted(medians, outside), high: percentileOfSorted(medians, 1 - outside) };
}

// Typed arrays sort by value, and faster than arrays do.
function sort(samples: readonly number[]): Float64Array {
  if (samples.length === 0) throw expected('INVALID_OPTION', 'at least one number', 'samples', samples);
  return Float64Array.from(samples).sort();
}

function percentileOfSorted(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}
