// The simulation on plans whose ends can be counted by hand.
import test from 'ava';
import fc from 'fast-check';
import { simulate, type UnitCosts } from '../../../src/measure/scaling/simulate.js';

function phases(...unitMs: readonly (readonly number[])[]): UnitCosts[] {
  return unitMs.map((units) => ({ unitMs: units }));
}

test('one worker takes the sum of all units and never waits', (t) => {
  const { totalMs, phaseMs, waitShare } = simulate(phases([4, 3, 2], [1, 1]), 1);
  t.deepEqual(phaseMs, [9, 2]);
  t.is(totalMs, 11);
  t.is(waitShare, 0);
});

test('more workers than units take as long as the longest unit of each phase', (t) => {
  const { phaseMs, waitShare } = simulate(phases([4, 3, 2], [1, 1]), 100);
  t.deepEqual(phaseMs, [4, 1]);
  t.is(waitShare, 1 - 11 / (100 * 5));
});

test('units go to the worker that is free first, in the order given', (t) => {
  // 5 | 3 + 2, then 2 + … : ends at 5 and 5, the last unit makes it 7.
  t.is(simulate(phases([5, 3, 2, 2]), 2).totalMs, 7);
  // The longest last is the worst order.
  t.is(simulate(phases([1, 1, 1, 1, 4]), 2).totalMs, 6);
  t.is(simulate(phases([4, 1, 1, 1, 1]), 2).totalMs, 4);
});

test('a phase waits for the last unit of the one before', (t) => {
  const apart = simulate(phases([3, 1], [3, 1]), 2);
  t.deepEqual(apart.phaseMs, [3, 3]);
  t.is(apart.waitShare, 1 - 8 / 12);
  t.is(simulate(phases([3, 3, 1, 1]), 2).totalMs, 4, 'without a barrier');
});

test('three units on two workers leave one of them idle a quarter of the time', (t) => {
  t.is(simulate(phases([1, 1, 1]), 2).waitShare, 0.25);
});

test('nothing to do takes no time', (t) => {
  t.deepEqual(simulate([], 3), { phaseMs: [], totalMs: 0, waitShare: 0 });
  t.is(simulate(phases([], [2]), 3).totalMs, 2);
});

test('a phase ends between its bounds: work shared evenly, and that plus one unit', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 40 }),
      (units, workers) => {
        const { totalMs } = simulate(phases(units), workers);
        const sum = units.reduce((a, b) => a + b);
        const longest = Math.max(...units);
        const least = Math.max(sum / workers, longest);
        return totalMs >= least - 1e-9 && totalMs <= sum / workers + longest + 1e-9;
      },
    ),
    { seed: 5, numRuns: 200 },
  );
  t.pass();
});
