// Order statistics: known samples, and intervals that cover what they claim.
import test from 'ava';
import { HeadpoolError } from '../../src/core/errors.js';
import {
  median,
  medianInterval,
  percentile,
  relativeSpread,
  summarise,
} from '../../src/measure/statistics.js';
import { createRandom } from '../../src/core/tensor/random.js';

test('percentiles are interpolated and do not depend on the order', (t) => {
  t.is(median([3, 1, 2]), 2);
  t.is(median([4, 1, 3, 2]), 2.5);
  t.is(percentile([10, 20, 30, 40, 50], 0.9), 46);
  t.is(percentile([7], 0.99), 7);
});

test('a summary holds the edges, and the samples stay as they were', (t) => {
  const samples = [5, 1, 4, 2, 3];
  t.like(summarise(samples), { count: 5, min: 1, median: 3, max: 5 });
  t.deepEqual(samples, [5, 1, 4, 2, 3]);
  t.is(relativeSpread(summarise([1, 1, 1])), 0);
});

test('nothing was measured without samples', (t) => {
  for (const measure of [median, summarise, medianInterval]) {
    const error = t.throws(() => measure([]), { instanceOf: HeadpoolError });
    t.is(error.code, 'INVALID_OPTION');
  }
});

test('an interval is the same for the same samples and covers the true median about as often as it says', (t) => {
  const random = createRandom(11);
  let covered = 0;
  for (let round = 0; round < 100; round++) {
    const samples = Array.from({ length: 25 }, () => random.normal());
    const { low, high } = medianInterval(samples);
    t.deepEqual(medianInterval(samples), { low, high });
    if (low <= 0 && 0 <= high) covered++;
  }
  t.true(covered >= 86 && covered <= 100, `${covered} of 100`);
});
