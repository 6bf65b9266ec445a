// Predictions at costs made up: what they must be where they can be counted by hand.
import test from 'ava';
import type { MachineCosts } from '../../../src/measure/scaling/machine-costs.js';
import type { MeasuredPoint } from '../../../src/measure/scaling/measure-point.js';
import { planCase } from '../../../src/measure/cases/plan.js';
import { Predictor, toCurve } from '../../../src/measure/scaling/predict.js';
import type { ScalingWork } from '../../../src/measure/scaling/results.js';
import { summarise } from '../../../src/measure/statistics.js';
import { shapeOf, workOf } from '../../../src/measure/scaling/work.js';

const interval = { low: 1, high: 1 };

/** A point of one worker at 1 ms for `flopPerMs`, with `dispatchMs` beside it. */
function pointOf(work: ScalingWork, flopPerMs: number, dispatchMs: number): MeasuredPoint {
  const phases = planCase(shapeOf(work)).phases.map(({ name, flop }) => [name, flop / flopPerMs] as const);
  const ms = work.flop / flopPerMs + dispatchMs;
  const phaseMs = Object.fromEntries(phases);
  const ratios = { speedUp: 1, speedUpInterval: interval, efficiency: 1, peakSpeedUp: 1, peakEfficiency: 1 };
  return { workers: 1, work, ms: summarise([ms]), interval, phaseMs, dispatchMs, ...ratios };
}

/** A machine of `count` processors whose multiply-adds scale by `efficiency` and whose workers take `wakeMs` each to wake. */
function machineOf(count: number, efficiency = 1, wakeMs = 0): MachineCosts[] {
  return Array.from({ length: count }, (_, n) => ({
    peak: 1e9 * (n === 0 ? 1 : (n + 1) * efficiency),
    tinyCallMs: 0.05 + n * wakeMs,
  }));
}

const sequences = workOf('sequences', 64);

test('one worker is predicted as it was measured', (t) => {
  const point = pointOf(sequences, 2e7, 0.5);
  const { ms, speedUp, waitShare } = new Predictor(point, machineOf(2)).predict(sequences, 1);
  t.true(Math.abs(ms - point.ms.median) < 1e-9);
  t.true(Math.abs(speedUp - 1) < 1e-9);
  t.is(waitShare, 0);
});

test('equal units are shared evenly, and what is no unit is not shared', (t) => {
  const point = pointOf(sequences, 2e7, 0.5);
  const predictor = new Predictor(point, machineOf(8));
  const inUnits = point.ms.median - 0.5;
  for (const workers of [2, 4, 8, 64]) {
    const { ms, waitShare } = predictor.predict(sequences, workers);
    t.true(Math.abs(ms - (0.5 + inUnits / workers)) < 1e-9, `${workers}: ${ms}`);
    t.true(waitShare < 1e-9);
  }
  const { ms } = predictor.predict(sequences, 128);
  t.true(Math.abs(ms - (0.5 + inUnits / 64)) < 1e-9, 'more workers than units are of no use');
});

test('units take longer where multiply-adds do, beyond the machine as at its end', (t) => {
  const point = pointOf(sequences, 2e7, 0);
  const predictor = new Predictor(point, machineOf(4, 0.8));
  for (const workers of [2, 4, 16]) {
    const { speedUp } = predictor.predict(sequences, workers);
    t.true(Math.abs(speedUp - 0.8 * workers) < 1e-9, `${workers}: ${speedUp}`);
  }
  predictor.learn({ ...point, workers: 4, peakSpeedUp: 2 });
  for (const workers of [4, 16]) {
    const { speedUp } = predictor.predict(sequences, workers);
    t.true(Math.abs(speedUp - 0.5 * workers) < 1e-9, `${workers}: ${speedUp}`);
  }
});

test('workers that are faster together than alone are noise', (t) => {
  const predictor = new Predictor(pointOf(sequences, 2e7, 0), machineOf(2, 1.2));
  t.true(Math.abs(predictor.predict(sequences, 2).speedUp - 2) < 1e-9);
});

test('waking workers costs what tiny calls say, and grows on beyond the machine', (t) => {
  const point = pointOf(sequences, 2e7, 0);
  const predictor = new Predictor(point, machineOf(3, 1, 0.01));
  for (const workers of [1, 2, 4, 32]) {
    const expected = point.ms.median / workers + 0.01 * (workers - 1);
    t.true(Math.abs(predictor.predict(sequences, workers).ms - expected) < 1e-9, String(workers));
  }
});

test('a machine of which one worker was measured predicts without losses', (t) => {
  const predictor = new Predictor(pointOf(sequences, 2e7, 0), machineOf(1));
  t.true(Math.abs(predictor.predict(sequences, 4).speedUp - 4) < 1e-9);
});

test('more work for more workers keeps its time, and its speed-up is by work a second', (t) => {
  const predictor = new Predictor(pointOf(sequences, 2e7, 0), machineOf(8));
  const { ms, speedUp } = predictor.predict(workOf('sequences', 64 * 8), 8);
  t.true(Math.abs(ms - sequences.flop / 2e7) < 1e-9);
  t.true(Math.abs(speedUp - 8) < 1e-9);
});

test('blocks that do not divide among the workers make them wait', (t) => {
  const work = workOf('queries', 9);
  const { speedUp, waitShare } = new Predictor(pointOf(work, 2e7, 0), machineOf(8)).predict(work, 8);
  t.true(speedUp < 6);
  t.true(waitShare > 0.25 && waitShare < 0.5);
});

test('a curve holds its predictions against its points', (t) => {
  const one = pointOf(sequences, 2e7, 0);
  const two = { ...one, workers: 2, peakSpeedUp: 2, speedUp: 1.6, efficiency: 0.8, peakEfficiency: 0.8 };
  const curve = toCurve({
    ...{ kind: 'strong', axis: 'sequences', points: [one, two], costs: machineOf(2), parallelism: 2 },
    ...{ predicted: [1, 2, 4], workFor: () => sequences },
  });
  t.true(Math.abs(curve.predictionError - 0.25) < 1e-9);
  t.deepEqual(
    curve.predicted.map(({ workers, isBeyondMachine }) => [workers, isBeyondMachine]),
    [
      [1, false],
      [2, false],
      [4, true],
    ],
  );
  t.is(curve.amdahl, null, 'any law of one parameter goes through two points');
  t.is(curve.universal, null);
  t.true(curve.points.every(({ waitShare }) => waitShare < 1e-9));
});
