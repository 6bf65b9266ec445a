// The laws of scaling give back the parameters that points were made with.
import test from 'ava';
import {
  amdahlSpeedUp,
  fitAmdahl,
  fitUniversal,
  solveNonNegative,
  universalSpeedUp,
  type SpeedUp,
} from '../../../src/measure/scaling/laws.js';
import { createRandom } from '../../../src/core/tensor/random.js';

const counts = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

function pointsOf(law: (workers: number) => number, workers: readonly number[] = counts): SpeedUp[] {
  return workers.map((count) => ({ workers: count, speedUp: law(count) }));
}

/** Off by a share of up to `most`, seeded. */
function withNoise(points: readonly SpeedUp[], most: number, seed: number): SpeedUp[] {
  const random = createRandom(seed);
  return points.map(({ workers, speedUp }) => ({
    workers,
    speedUp: workers === 1 ? 1 : speedUp * (1 + most * (2 * random.uniform() - 1)),
  }));
}

function deviationOf(points: readonly SpeedUp[], law: (workers: number) => number): number {
  const squares = points.map(({ workers, speedUp }) => (law(workers) / speedUp - 1) ** 2);
  return Math.sqrt(squares.reduce((a, b) => a + b) / points.length);
}

for (const serial of [0, 1e-4, 0.013, 0.1, 0.5, 1]) {
  test(`a serial share of ${serial} is found`, (t) => {
    const fit = fitAmdahl(pointsOf((n) => amdahlSpeedUp(serial, n)))!;
    t.true(Math.abs(fit.serial - serial) < 1e-6, String(fit.serial));
    t.true(fit.deviation < 1e-6);
  });
}

test('a law is fitted only where points can miss it', (t) => {
  const busy = (workers: readonly number[]) => pointsOf((n) => amdahlSpeedUp(0.96, n), workers);
  t.is(fitAmdahl(busy([1, 2])), null);
  t.is(fitUniversal(busy([1, 2, 4])), null);
  t.true(Math.abs(fitAmdahl(busy([1, 2, 4]))!.serial - 0.96) < 1e-6);
  t.not(fitUniversal(busy([1, 2, 4, 8])), null);
});

test('speed-ups above the number of workers have no serial share', (t) => {
  t.is(fitAmdahl(pointsOf((n) => n ** 1.1))!.serial, 0);
  t.is(fitAmdahl(pointsOf((n) => 1 / n))!.serial, 1, 'nor can more than all be serial');
});

for (const [contention, coherence] of [
  [0, 0],
  [0.03, 0],
  [0, 0.0004],
  [0.02, 0.0005],
  [0.3, 0.01],
] as const) {
  test(`contention ${contention} and coherence ${coherence} are found`, (t) => {
    const fit = fitUniversal(pointsOf((n) => universalSpeedUp(contention, coherence, n)))!;
    t.true(Math.abs(fit.contention - contention) < 1e-9, String(fit.contention));
    t.true(Math.abs(fit.coherence - coherence) < 1e-9, String(fit.coherence));
    t.true(fit.deviation < 1e-9);
    if (coherence === 0) t.is(fit.peakWorkers, null);
    else t.true(Math.abs(fit.peakWorkers! - Math.sqrt((1 - contention) / coherence)) < 1e-3);
  });
}

test('noise of 3 % moves the parameters little, and no neighbours of what is found fit better', (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    const amdahlPoints = withNoise(
      pointsOf((n) => amdahlSpeedUp(0.05, n)),
      0.03,
      seed,
    );
    const { serial, deviation } = fitAmdahl(amdahlPoints)!;
    t.true(Math.abs(serial - 0.05) < 0.005, `seed ${seed}: ${serial}`);
    for (const factor of [0.999, 1.001])
      t.true(deviationOf(amdahlPoints, (n) => amdahlSpeedUp(serial * factor, n)) >= deviation);

    const points = withNoise(
      pointsOf((n) => universalSpeedUp(0.03, 0.001, n)),
      0.03,
      seed,
    );
    const found = fitUniversal(points)!;
    t.true(Math.abs(found.contention - 0.03) < 0.02, `seed ${seed}: ${found.contention}`);
    t.true(Math.abs(found.coherence - 0.001) < 0.0006, `seed ${seed}: ${found.coherence}`);
    t.true(found.deviation < 0.03);
    for (const [a, b] of [
      [1.001, 1],
      [0.999, 1],
      [1, 1.001],
      [1, 0.999],
    ] as const) {
      const near = deviationOf(points, (n) => universalSpeedUp(found.contention * a, found.coherence * b, n));
      t.true(near >= found.deviation * (1 - 1e-9), `seed ${seed}: ${a}, ${b}`);
    }
  }
});

test('parameters of the universal law are never negative', (t) => {
  const superlinear = fitUniversal(pointsOf((n) => n ** 1.05))!;
  t.deepEqual([superlinear.contention, superlinear.coherence, superlinear.peakWorkers], [0, 0, null]);
  const { contention, coherence } = fitUniversal(
    withNoise(
      pointsOf((n) => n),
      0.01,
      3,
    ),
  )!;
  t.true(contention >= 0 && coherence >= 0);
});

test('workers that only cost have their peak at one', (t) => {
  const fit = fitUniversal(pointsOf((n) => universalSpeedUp(1.5, 0.1, n)))!;
  t.is(fit.peakWorkers, 1);
});

test('two unknowns solve exactly, and stay at 0 where they would be negative', (t) => {
  t.deepEqual(solveNonNegative([[1, 0, 2], [0, 1, 3]]), [2, 3]); // prettier-ignore
  t.deepEqual(solveNonNegative([[1, 0, -2], [0, 1, 3]]), [0, 3]); // prettier-ignore
  t.deepEqual(solveNonNegative([[1, 0, 2], [0, 1, -3]]), [2, 0]); // prettier-ignore
  t.deepEqual(solveNonNegative([[1, 0, -2], [0, 1, -3]]), [0, 0]); // prettier-ignore
  t.deepEqual(solveNonNegative([]), [0, 0]);
  const [x, y] = solveNonNegative([[1, 2, 4], [2, 4, 8]]); // prettier-ignore
  t.true(Math.abs(x + 2 * y - 4) < 1e-12, 'one of the many solutions');
});
