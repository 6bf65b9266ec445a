// Cuts of weights alone: every one in one part, in order, and the parts about the same.
import test from 'ava';
import fc from 'fast-check';
import { cutEvenly } from '../../src/cluster/cut-evenly.js';

const weights = fc.array(fc.double({ min: 1, max: 1e15, noNaN: true }), { maxLength: 200 });
const parts = fc.integer({ min: 1, max: 40 });

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

test('every weight is in one part, and no part is off an equal share by more than the largest weight', (t) => {
  const property = fc.property(weights, parts, (list, count) => {
    const total = sum(list);
    const bounds = cutEvenly(list, total, count);
    const isInOrder = bounds.every((bound, index) => index === 0 || bound >= bounds[index - 1]!);
    const isWhole = bounds.length === count + 1 && bounds[0] === 0 && bounds.at(-1) === list.length;
    const most = Math.max(0, ...list) * (1 + 1e-9) + total * 1e-9;
    const sums = bounds.slice(1).map((end, part) => sum(list.slice(bounds[part], end)));
    return isInOrder && isWhole && sums.every((own) => Math.abs(own - total / count) <= most);
  });
  t.notThrows(() => {
    fc.assert(property, { seed: 20, numRuns: 500 });
  });
});

test('equal weights make equal parts', (t) => {
  t.deepEqual(cutEvenly([1, 1, 1, 1, 1, 1], 6, 3), [0, 2, 4, 6]);
});

test('a weight beyond a share stands alone, and parts may be empty', (t) => {
  t.deepEqual(cutEvenly([1, 100, 1], 102, 3), [0, 1, 2, 3]);
  t.deepEqual(cutEvenly([5], 5, 3), [0, 0, 1, 1]);
  t.deepEqual(cutEvenly([], 0, 2), [0, 0, 0]);
});
