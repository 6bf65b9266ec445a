// Estimates, and refusals that say what to cut.
import test from 'ava';
import { HeadpoolError } from '../../../src/core/errors.js';
import { findCuts, formatCut, gridAxes } from '../../../src/measure/grid/cut.js';
import {
  estimateCase,
  leastSamples,
  refuseOverMemory,
  refuseOverTime,
  type Limits,
} from '../../../src/measure/grid/estimate.js';
import { caseOf } from './grid-case.js';

const options = { seconds: 2, rounds: 5, rates: new Map([['reference', 1e9] as const]) };
const limits: Limits = { memoryBytes: 2 ** 30, minutes: 30, axes: gridAxes };
const small = caseOf({ tokens: 16 });
const long = caseOf({ tokens: 200_000 });
const wide = caseOf({ modelDim: 8192, headDim: 2048 });

test('control pairs decide how many samples a round has at least', (t) => {
  t.deepEqual([1, 2, 5, 50].map(leastSamples), [10, 6, 2, 2]);
});

test('a short case takes its seconds and a little, a long one its calls', (t) => {
  const estimate = estimateCase(small, options);
  t.true(estimate.totalMs > 2000 && estimate.totalMs < 5000, String(estimate.totalMs));
  // 5 rounds of 2 samples at least, at two fifths of the rate of one thread.
  const { flop, callMs, totalMs } = estimateCase(long, options);
  t.is(callMs, (1e3 * flop) / (0.4 * 1e9));
  t.true(totalMs > 10 * callMs);
});

test('a grid within its limits passes', (t) => {
  t.is(refuseOverTime([small], options, limits).length, 1);
  t.notThrows(() => {
    refuseOverMemory([small], limits);
  });
});

test('a grid that would take too long names the values whose cells cost most', (t) => {
  const cases = [
    small,
    caseOf({ tokens: 16, causal: true }),
    long,
    caseOf({ tokens: 200_000, causal: true }),
  ];
  const error = t.throws(() => refuseOverTime(cases, options, limits), { instanceOf: HeadpoolError });
  t.is(error.code, 'INVALID_OPTION');
  t.regex(
    error.message,
    /at most 30 minutes \(`maxMinutes`\), but its 4 cells would take about \d+(\.\d)? hours: leave out tokens 200000 \(2 cells\), or allow more$/,
  );
});

test('where sampling is what takes the time, less of it is an advice', (t) => {
  const cases = Array.from({ length: 10 }, (_, n) => caseOf({ tokens: n + 1 }));
  const error = t.throws(
    () => refuseOverTime(cases, { ...options, seconds: 60 }, { ...limits, minutes: 5 }),
    { instanceOf: HeadpoolError },
  );
  const [, seconds] = /sample each for `seconds` (\d+(?:\.\d)?), or allow more/.exec(error.message) ?? [];
  t.true(Number(seconds) > 20 && Number(seconds) < 30, error.message);
  t.notThrows(() =>
    refuseOverTime(cases, { ...options, seconds: Number(seconds) }, { ...limits, minutes: 5 }),
  );
});

test('a case that takes too much memory is named with what it takes, and the list entry that it shares', (t) => {
  const error = t.throws(
    () => {
      refuseOverMemory([small, wide, caseOf({ modelDim: 8192, headDim: 2048, causal: true })], limits);
    },
    { instanceOf: HeadpoolError },
  );
  t.is(error.code, 'MEMORY_LIMIT');
  t.regex(
    error.message,
    /at most 1 GiB each \(`maxMemory`\), but 2 of 3 cells would take more, `layer 8192\/4\/12 reference x1` about 2 GiB: leave out modelDim 8192 \(2 cells\), or allow more/,
  );
});

test('a single case has no list to cut', (t) => {
  const error = t.throws(
    () => {
      refuseOverMemory([wide], limits);
    },
    { instanceOf: HeadpoolError },
  );
  t.regex(error.message, /1 of 1 cell would take more, .*GiB: allow more$/);
});

test('inputs that memory can never hold are refused without planning them', (t) => {
  const startMs = performance.now();
  const error = t.throws(
    () => {
      refuseOverMemory(
        [caseOf({ tokens: 2 ** 24, batch: 2 ** 16, modelDim: 2 ** 17, headDim: 2 ** 15 })],
        limits,
      );
    },
    { instanceOf: HeadpoolError },
  );
  t.is(error.code, 'MEMORY_LIMIT');
  t.true(performance.now() - startMs < 1000);
});

test('values are cut one after the other, and never the last of a list', (t) => {
  const costs = [
    { case: caseOf({ tokens: 1, heads: 1 }), cost: 1 },
    { case: caseOf({ tokens: 2, heads: 1 }), cost: 10 },
    { case: caseOf({ tokens: 1, heads: 2 }), cost: 100 },
    { case: caseOf({ tokens: 2, heads: 2 }), cost: 1000 },
  ];
  const cutTo = (most: number): string[] =>
    findCuts(costs, ['tokens', 'heads'], (left) => left.reduce((sum, { cost }) => sum + cost, 0) <= most).map(
      formatCut,
    );
  t.deepEqual(cutTo(2000), []);
  t.deepEqual(cutTo(11), ['heads 2 (2 cells)']);
  t.deepEqual(cutTo(1), ['heads 2 (2 cells)', 'tokens 2 (1 cell)']);
  t.deepEqual(cutTo(0), ['heads 2 (2 cells)', 'tokens 2 (1 cell)']);
});
