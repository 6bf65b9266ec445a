// The t distribution against quantiles of printed tables, and the interval of a difference of means.
import test from 'ava';
import { HeadpoolError } from '../../src/core/errors.js';
import { meanDifference, meanInterval, studentQuantile } from '../../src/measure/student.js';

const isNear = test.macro((t, confidence: number, freedom: number, quantile: number) => {
  const found = studentQuantile(confidence, freedom);
  t.true(Math.abs(found / quantile - 1) < 1e-6, `${found}`);
});

// With one and two degrees of freedom there are closed forms.
test('one degree of freedom is a Cauchy variable', isNear, 0.95, 1, Math.tan(0.475 * Math.PI));
test('two degrees of freedom have a closed form', isNear, 0.9, 2, 0.9 * Math.sqrt(2 / (1 - 0.9 ** 2)));
test('the closed form holds far out', isNear, 0.99999, 2, 0.99999 * Math.sqrt(2 / (1 - 0.99999 ** 2)));
test('the closed form holds in the middle', isNear, 0.1, 2, 0.1 * Math.sqrt(2 / (1 - 0.1 ** 2)));
test('eight degrees of freedom', isNear, 0.95, 8, 2.306004135);
test('eight degrees of freedom, far out', isNear, 0.999, 8, 5.041305433);
test('a thousand degrees of freedom', isNear, 0.95, 1000, 1.962339081);

test('a quantile between whole degrees of freedom lies between theirs', (t) => {
  const [few, between, many] = [4, 4.5, 5].map((freedom) => studentQuantile(0.95, freedom));
  t.true(few! > between! && between! > many!);
});

test('equal variances give the interval of the two-sample t test', (t) => {
  // Both means have variance 1 / 3, and 4 degrees of freedom: t = 2.776445105.
  const { mean, interval } = meanDifference([1, 2, 3], [11, 12, 13], 0.95);
  const reach = 2.776445105 * Math.sqrt(2 / 3);
  t.is(mean, 10);
  t.true(Math.abs(interval.low - (10 - reach)) < 1e-6);
  t.true(Math.abs(interval.high - (10 + reach)) < 1e-6);
});

test('a side without scatter leaves the degrees of freedom of the other', (t) => {
  const { interval } = meanDifference([0, 0, 0, 0], [1, 2, 3], 0.95);
  t.true(Math.abs(interval.high - (2 + 4.30265273 / Math.sqrt(3))) < 1e-6, `${interval.high}`);
});

test('samples without scatter give a point', (t) => {
  t.deepEqual(meanDifference([1, 1], [3, 3], 0.95), { mean: 2, interval: { low: 2, high: 2 } });
});

test('one sample tells nothing about its scatter', (t) => {
  const error = t.throws(() => meanDifference([1, 2], [3], 0.95), { instanceOf: HeadpoolError });
  t.is(error.code, 'INVALID_OPTION');
  t.is(error.message, 'Expected at least two numbers for `b`, got `[3]` (array)');
});

test('the interval of a mean is that of the one-sample t test', (t) => {
  // The variance of the mean is 1 / 3, with 2 degrees of freedom: t = 4.30265273.
  const { mean, interval } = meanInterval([1, 2, 3], 0.95);
  t.is(mean, 2);
  t.true(Math.abs(interval.low - (2 - 4.30265273 / Math.sqrt(3))) < 1e-6);
  t.true(Math.abs(interval.high - (2 + 4.30265273 / Math.sqrt(3))) < 1e-6);
  t.deepEqual(meanInterval([1, 1], 0.95), { mean: 1, interval: { low: 1, high: 1 } });
  t.throws(() => meanInterval([1], 0.95), { instanceOf: HeadpoolError });
});
