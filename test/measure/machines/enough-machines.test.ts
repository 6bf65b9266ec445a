// How many machines are enough, by laws whose answers are known.
import test from 'ava';
import { enoughMachines } from '../../../src/measure/machines/enough-machines.js';

test('work that divides evenly has never enough', (t) => {
  t.deepEqual(
    enoughMachines((machines) => 64 / machines, 16),
    { machines: null, gain: 0.5 },
  );
});

test('the least number is told of which twice as many hardly gain', (t) => {
  // As many machines again save 8 machines 11 % of 100 / n + 45, and 12 machines 8 %.
  const { machines, gain } = enoughMachines((count) => 100 / count + 45, 64);
  t.is(machines, 12);
  t.true(Math.abs(gain - 100 / 24 / (100 / 12 + 45)) < 1e-9);
});

test('a number that was asked about is looked at too', (t) => {
  t.is(enoughMachines((count) => 100 / count + 45, 11).machines, 11);
});

test('more machines than shards gain nothing', (t) => {
  t.deepEqual(
    enoughMachines((count) => Math.ceil(8 / count), 64),
    { machines: 8, gain: 0 },
  );
});

test('one machine is enough for what cannot be shared', (t) => {
  t.is(enoughMachines(() => 5, 4).machines, 1);
  t.is(enoughMachines(() => 5, 1).machines, 1);
});
