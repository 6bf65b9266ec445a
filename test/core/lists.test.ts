import test from 'ava';
import { append, largestOf, leastOf } from '../../src/core/lists.js';

const long = Array.from({ length: 300_000 }, (_, n) => (n === 70_000 ? 5e5 : n === 80_000 ? -2 : n));

test('lists longer than the stack holds are appended and searched', (t) => {
  const list = [7];
  append(list, long);
  t.deepEqual([list.length, list[0], list.at(-1)], [300_001, 7, 299_999]);
  t.is(largestOf(long), 5e5);
  t.is(leastOf(long), -2);
});

test('of nothing there is the bound, and values that are beyond it give way to it', (t) => {
  t.is(largestOf([]), -Infinity);
  t.is(leastOf(new Set<number>()), Infinity);
  t.is(largestOf([-3], 1), 1);
  t.is(leastOf([3], 1), 1);
});

test('a value that is no number is not passed over', (t) => {
  t.is(largestOf([1, Number.NaN, 2]), Number.NaN);
  t.is(leastOf([1, Number.NaN, 2]), Number.NaN);
});
