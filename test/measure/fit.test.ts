// Fitted laws: known lines and powers, intervals that cover what they claim, and points that no law goes through.
import test from 'ava';
import { HeadpoolError } from '../../src/core/errors.js';
import { findCrossover, fitLine, fitPowerLaw, type Point } from '../../src/measure/fit.js';
import { createRandom, type Random } from '../../src/core/tensor/random.js';

const pointsOf = (law: (x: number) => number, xs: readonly number[]): Point[] =>
  xs.map((x) => ({ x, y: law(x) }));
const isNear = (found: number, wanted: number): boolean =>
  Math.abs(found - wanted) < 1e-9 * Math.max(1, Math.abs(wanted));

test('a line through exact points is found', (t) => {
  const { slope, intercept, deviation } = fitLine(pointsOf((x) => 3 - 2 * x, [0, 1, 5, 9]));
  t.true(isNear(slope, -2) && isNear(intercept, 3) && isNear(deviation, 0));
});

test('a line through scattered points has the least squares', (t) => {
  const points = [
    { x: 0, y: 0 },
    { x: 1, y: 3 },
    { x: 2, y: 0 },
  ];
  const { slope, intercept, deviation } = fitLine(points);
  t.true(isNear(slope, 0) && isNear(intercept, 1) && isNear(deviation, Math.SQRT2));
});

test('two points make a line', (t) => {
  const { slope, intercept } = fitLine(pointsOf((x) => x / 2 + 1, [4, 8]));
  t.true(isNear(slope, 0.5) && isNear(intercept, 1));
});

test('an exact power law is found, and its exponent lies nowhere else', (t) => {
  const { exponent, factor, interval, deviation } = fitPowerLaw(
    pointsOf((x) => 0.25 * x ** 2, [64, 128, 256, 512]),
  );
  t.true(isNear(exponent, 2) && isNear(factor, 0.25) && isNear(deviation, 0));
  t.true(isNear(interval!.low, 2) && isNear(interval!.high, 2));
});

const scattered = (random: Random, count: number): Point[] =>
  pointsOf(
    (x) => 5 * x ** 1.5 * Math.exp(0.05 * random.normal()),
    Array.from({ length: count }, (_, index) => 32 * 2 ** index),
  );

test('an exponent has no interval below four points', (t) => {
  const points = scattered(createRandom(1), 4);
  t.is(fitPowerLaw(points.slice(1)).interval, null);
  t.not(fitPowerLaw(points).interval, null);
});

test('the same points give the same interval, and another seed another one', (t) => {
  const points = scattered(createRandom(2), 6);
  t.deepEqual(fitPowerLaw(points), fitPowerLaw(points));
  t.notDeepEqual(fitPowerLaw(points, { seed: 1 }), fitPowerLaw(points));
});

test('more confidence makes a wider interval', (t) => {
  const points = scattered(createRandom(3), 8);
  const [narrow, wide] = [0.8, 0.99].map((confidence) => fitPowerLaw(points, { confidence }).interval!);
  t.true(wide!.low < narrow!.low && narrow!.low < narrow!.high && narrow!.high < wide!.high);
});

for (const count of [4, 6]) {
  test(`the interval of ${count} points covers the true exponent about as often as it says`, (t) => {
    const random = createRandom(7 + count);
    let covered = 0;
    for (let round = 0; round < 200; round++) {
      const { low, high } = fitPowerLaw(scattered(random, count), { resamples: 400, seed: round }).interval!;
      if (low <= 1.5 && 1.5 <= high) covered++;
    }
    // 95 % of 200 with three standard errors to either side.
    t.true(covered >= 180 && covered <= 199, `${covered} of 200`);
  });
}

test('two power laws cross where they give the same', (t) => {
  const x = findCrossover({ exponent: 1, factor: 8 }, { exponent: 2, factor: 0.5 });
  t.true(isNear(x!, 16));
  t.true(isNear(findCrossover({ exponent: 2, factor: 0.5 }, { exponent: 1, factor: 8 })!, 16));
});

test('parallel laws cross nowhere, equal ones neither', (t) => {
  t.is(findCrossover({ exponent: 2, factor: 1 }, { exponent: 2, factor: 3 }), null);
  t.is(findCrossover({ exponent: 2, factor: 1 }, { exponent: 2, factor: 1 }), null);
});

test('laws that are almost parallel cross at no number', (t) => {
  t.is(findCrossover({ exponent: 2, factor: 9 }, { exponent: 2.0001, factor: 1 }), null);
  t.is(findCrossover({ exponent: 2, factor: 1 }, { exponent: 2.0001, factor: 9 }), null);
});

const rejects = test.macro((t, fit: () => unknown, message: string) => {
  const error = t.throws(fit, { instanceOf: HeadpoolError });
  t.is(error.code, 'INVALID_OPTION');
  t.is(error.message, message);
});
const good = { x: 1, y: 1 };
test(
  'one point has no line',
  rejects,
  () => fitLine([good]),
  'Expected at least two points for `points`, got `[{"x":1,"y":1}]` (array)',
);
test(
  'points above each other have no line',
  rejects,
  () => fitLine([good, { x: 1, y: 2 }]),
  'Expected at least two different values of x for `points`, got `[{"x":1,"y":1},{"x":1,"y":2}]` (array)',
);
test(
  'a line through NaN is refused',
  rejects,
  () => fitLine([good, { x: 2, y: NaN }]),
  'Expected finite numbers for `points[1].y`, got `NaN` (number)',
);
test(
  'a power law through 0 is refused',
  rejects,
  () => fitPowerLaw([good, { x: 0, y: 1 }]),
  'Expected positive numbers for `points[1].x`, got `0` (number)',
);
test(
  'a power law through infinity is refused',
  rejects,
  () => fitPowerLaw([good, { x: 2, y: Infinity }]),
  'Expected positive numbers for `points[1].y`, got `Infinity` (number)',
);
