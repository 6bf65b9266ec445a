// Signs of a busy machine: found where multiply-adds fell and controls failed, and nowhere on a quiet one.
import test from 'ava';
import { gainOverPeak, shareOfPeak, signsInGrid, signsInScaling } from '../../src/measure/busy.js';
import type { MeasuredCell } from '../../src/measure/grid/results.js';
import type { ScalingCurve } from '../../src/measure/scaling/results.js';
import { exampleGrid, exampleScaling } from '../helpers/bench-fixtures.js';
import { madeCell } from '../helpers/grid-results.js';

const giga = 1e9;

/** A cell on so many threads with a round for each rate of the multiply-adds. */
function cellOf(threads: number, peaks: readonly number[], change: Partial<MeasuredCell> = {}): MeasuredCell {
  const rounds = peaks.map((peak) => ({ ms: [1], peak: peak * giga, phaseMs: {} }));
  return { ...madeCell(rounds, { threads }), ...change };
}

test('a quiet machine shows no sign', (t) => {
  const { peaks, curves } = exampleScaling();
  t.deepEqual(signsInGrid(exampleGrid().cells), []);
  t.deepEqual(signsInScaling(peaks, curves), []);
  t.deepEqual(signsInGrid([]), []);
  t.deepEqual(signsInScaling([], []), []);
});

test('multiply-adds that the same threads did fewer of later are a sign, turbo is none', (t) => {
  t.deepEqual(signsInGrid([cellOf(2, [148, 148, 147]), cellOf(2, [148, 114, 113, 114])]), [
    'the multiply-adds of native x2 fell from 148 to 114 GFLOP/s',
  ]);
  t.deepEqual(signsInGrid([cellOf(2, [148, 140, 135])]), []);
});

test('more threads that do fewer multiply-adds are a sign, more that gain nothing are none', (t) => {
  const [one, two] = [cellOf(1, [148, 148]), cellOf(2, [114, 114])];
  const sign = 'the multiply-adds fell from 148 GFLOP/s of one thread to 114 of 2 threads';
  t.deepEqual(signsInGrid([two, one]), [sign]);
  t.deepEqual(signsInScaling([148 * giga, 114 * giga], []), [sign]);
  t.deepEqual(signsInGrid([one, cellOf(2, [147, 147])]), []);
  const other = { ...two, case: { ...two.case, kernel: 'wasm' as const } };
  t.deepEqual(signsInGrid([one, other]), [], 'kernels are not held against each other');
});

test('more than the multiply-adds is a sign, and no share of them', (t) => {
  const wild = cellOf(2, [148], { peakShare: 52.81 });
  t.deepEqual(signsInGrid([cellOf(2, [148], { peakShare: 0.98 }), wild]), [
    '1 of 2 configurations faster than multiply-adds alone',
  ]);
  t.is(shareOfPeak(wild), null);
  t.is(shareOfPeak({ peakShare: 0.98 }), 0.98);
});

test('controls that fail are a sign where they are many', (t) => {
  const quiet = cellOf(2, [148]);
  const noisy = cellOf(2, [148], { isNoisy: true });
  t.deepEqual(signsInGrid([quiet, quiet, quiet, quiet, noisy]), []);
  t.deepEqual(signsInGrid([quiet, quiet, noisy]), ['1 of 3 configurations not the same when timed twice']);
});

/** A curve of two points with this control and these gains. */
function curveOf(low: number, change: object = {}): ScalingCurve {
  const curve = exampleScaling().curves[0]!;
  const control = { median: 1, interval: { low, high: 1.02 } };
  return { ...curve, points: curve.points.slice(0, 2).map((point) => ({ ...point, control, ...change })) };
}

test('points of a curve show the same signs', (t) => {
  t.deepEqual(signsInScaling([], [curveOf(0.97)]), []);
  t.deepEqual(signsInScaling([], [curveOf(1.005)]), [], 'one of twenty intervals excludes 1 by chance');
  t.deepEqual(signsInScaling([], [curveOf(0.7)]), ['2 of 2 points not the same when timed twice']);
  t.deepEqual(signsInScaling([], [curveOf(0.97, { peakSpeedUp: 0.6 })]), [
    'the multiply-adds of 2 threads fell to 0.60 times those of one',
  ]);
  const [one, two] = curveOf(0.97).points;
  const later = { ...two!, ms: { ...two!.ms, median: two!.ms.median / 3 } };
  t.deepEqual(signsInScaling([], [{ ...curveOf(0.97), points: [one!, later] }]), [
    '1 of 2 points with another speed-up by medians than by pairs',
  ]);
  const wild = curveOf(0.97, { peakEfficiency: 52.81 });
  t.deepEqual(signsInScaling([], [wild]), ['2 of 2 points faster than multiply-adds alone']);
  t.is(gainOverPeak(wild.points[0]!), null);
  t.is(gainOverPeak({ peakEfficiency: 1.2 }), 1.2);
});
