// Whether the machine was busy with something else while it was measured: signs of that in what was measured, each as it
// stands in "the machine was busy: …". Without a sign figures may be trusted. Pure.
import { leastOf } from '../core/lists.js';
import type { Cell, MeasuredCell } from './grid/results.js';
import { isWide } from './grid/cells.js';
import type { ScalingCurve, ScalingPoint } from './scaling/results.js';
import { median, percentile } from './statistics.js';

// Turbo takes less than that from the same threads, and more threads gain something wherever they run.
const leastOfHighest = 0.8;
const leastOfFewer = 0.9;
// Of cells and points: one in a while may fail on a quiet machine too.
const mostFailed = 0.25;
// Points that are measured a minute apart, on a machine that doesn't change meanwhile.
const mostApart = 1.25;

// A product is made of multiply-adds: at most as fast, but for noise. Threads that share a core share its multiply-adds,
// and may gain more from each other elsewhere.
const most = { shareOfPeak: 1.1, gainOverPeak: 1.5 };

/** The share of the multiply-adds' rate, or null where it is more than there can be: these were disturbed. */
export function shareOfPeak({ peakShare }: Pick<MeasuredCell, 'peakShare'>): number | null {
  return peakShare <= most.shareOfPeak ? peakShare : null;
}

/** What a speed-up is of the multiply-adds' own, or null where these were disturbed. */
export function gainOverPeak({ peakEfficiency }: Pick<ScalingPoint, 'peakEfficiency'>): number | null {
  return peakEfficiency <= most.gainOverPeak ? peakEfficiency : null;
}

/** Multiply-adds a second of so many threads. */
interface Rate {
  readonly threads: number;
  readonly perSecond: number;
}

export function signsInGrid(cells: readonly Cell[]): string[] {
  const measured = cells.filter((cell) => cell.status === 'measured');
  const kernels = [...new Set(measured.map((cell) => cell.case.kernel))];
  const unlikely = measured.filter((cell) => shareOfPeak(cell) === null).length;
  const noisy = measured.filter(({ isNoisy }) => isNoisy).length;
  return [
    ...kernels.flatMap((kernel) => signsInRates(measured.filter((cell) => cell.case.kernel === kernel))),
    ...when(unlikely > 0, `${countOf(unlikely, measured, 'configuration')} faster than multiply-adds alone`),
    ...when(
      noisy > 0 && noisy >= mostFailed * measured.length,
      `${countOf(noisy, measured, 'configuration')} not the same when timed twice`,
    ),
  ];
}

/** Of the cells of one kernel. */
function signsInRates(cells: readonly MeasuredCell[]): string[] {
  const counts = [...new Set(cells.map((cell) => cell.case.threads))].sort((a, b) => a - b);
  const rates = counts.map((threads) => {
    const own = cells.filter((cell) => cell.case.threads === threads);
    const peaks = own.flatMap(({ rounds }) => rounds.map(({ peak }) => peak));
    return { threads, perSecond: median(peaks), high: percentile(peaks, 0.9), low: percentile(peaks, 0.1) };
  });
  return [
    ...rates
      .filter(({ low, high }) => low < leastOfHighest * high)
      .map(
        ({ threads, low, high }) =>
          `the multiply-adds of ${cells[0]!.case.kernel} x${threads} fell from ${toGiga(high)} to ${toGiga(low)} GFLOP/s`,
      ),
    ...signsInGain(rates),
  ];
}

/** More threads that do fewer multiply-adds than less of them. */
function signsInGain(rates: readonly Rate[]): string[] {
  const [first, ...others] = rates;
  if (first === undefined) return [];
  let best = first;
  for (const rate of others) {
    if (rate.perSecond < leastOfFewer * best.perSecond) {
      return [
        `the multiply-adds fell from ${toGiga(best.perSecond)} GFLOP/s of ${threadsOf(best.threads)} to ` +
          `${toGiga(rate.perSecond)} of ${threadsOf(rate.threads)}`,
      ];
    }
    if (rate.perSecond > best.perSecond) best = rate;
  }
  return [];
}

/** @param peaks multiply-adds a second, by number of workers from 1 */
export function signsInScaling(peaks: readonly number[], curves: readonly ScalingCurve[]): string[] {
  const points = curves.flatMap((curve) => curve.points);
  const gains = points.filter(({ workers, peakSpeedUp }) => workers > 1 && peakSpeedUp < leastOfFewer);
  const unlikely = points.filter((point) => gainOverPeak(point) === null).length;
  const apart = curves.flatMap(factorsApart).filter((factor) => factor > mostApart).length;
  // One of twenty intervals excludes 1 on a quiet machine too, and nobody measures these points twice.
  const failed = points.filter(({ control }) => control !== undefined && isWide(control)).length;
  return [
    ...signsInGain(peaks.map((perSecond, index) => ({ threads: index + 1, perSecond }))),
    ...when(
      gains.length > 0,
      `the multiply-adds of ${threadsOf(leastOf(gains.map(({ workers }) => workers)))} fell to ` +
        `${leastOf(gains.map(({ peakSpeedUp }) => peakSpeedUp)).toFixed(2)} times those of one`,
    ),
    ...when(unlikely > 0, `${countOf(unlikely, points, 'point')} faster than multiply-adds alone`),
    ...when(apart > 0, `${countOf(apart, points, 'point')} with another speed-up by medians than by pairs`),
    ...when(
      failed > 1 && failed >= mostFailed * points.length,
      `${countOf(failed, points, 'point')} not the same when timed twice`,
    ),
  ];
}

/** How many times the speed-ups of pairs differ from those by the medians of the points, which were measured one after the other. */
function factorsApart({ points }: ScalingCurve): number[] {
  const rateOf = ({ work, ms }: ScalingPoint): number => work.flop / ms.median;
  return points.map((point) => {
    const factor = rateOf(point) / rateOf(points[0]!) / point.speedUp;
    return Math.max(factor, 1 / factor);
  });
}

function when(isSo: boolean, sign: string): string[] {
  return isSo ? [sign] : [];
}

function threadsOf(count: number): string {
  return count === 1 ? 'one thread' : `${count} threads`;
}

function countOf(some: number, all: readonly unknown[], noun: string): string {
  return `${some} of ${all.length} ${noun}${all.length === 1 ? '' : 's'}`;
}

function toGiga(perSecond: number): string {
  return (perSecond / 1e9).toFixed(0);
}
