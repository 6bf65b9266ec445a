// The one figure that every check of results compares with its bound.
import test from 'ava';
import { relativeError } from '../../../src/measure/cases/check.js';

test('it is the largest difference as a share of the largest number', (t) => {
  t.is(relativeError([1, -4, 2], [1, -4, 2]), 0);
  t.is(relativeError([1, -3, 2.5], [1, -4, 2]), 0.25);
  t.is(relativeError(Float32Array.of(0, 2), Float64Array.of(0.5, -2)), 2);
});

test('what holds no number, or is of another length, is infinitely far off', (t) => {
  t.is(relativeError([1, NaN], [1, 2]), Infinity);
  t.is(relativeError([1], [1, 2]), Infinity);
  t.is(relativeError([1, 2, 3], [1, 2]), Infinity);
  t.is(relativeError([], [1]), Infinity);
});
