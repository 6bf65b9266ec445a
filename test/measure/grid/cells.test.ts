// Figures of a cell, and the control that says whether they can be trusted.
import test from 'ava';
import { cellOf, controlOf, hasFailed, meanPhases } from '../../../src/measure/grid/cells.js';
import type { Round } from '../../../src/measure/grid/results.js';
import { caseOf } from './grid-case.js';

const rounds = (...ms: number[][]): Round[] => ms.map((samples) => ({ ms: samples, peak: 1e9, phaseMs: {} }));
const failure = (...ms: number[][]): boolean => hasFailed(controlOf(rounds(...ms)));

test('a quiet machine passes', (t) => {
  t.false(failure([1, 1.01, 1, 0.99], [1.01, 1, 1, 1]));
  t.is(controlOf(rounds([1, 1, 1])).median, 1, 'the odd sample has no partner');
});

test('an interval that excludes 1 fails', (t) => {
  // Whatever the direction of a pair, its ratio is 1.05.
  t.true(failure(...Array.from({ length: 10 }, () => [1.05, 1, 1, 1.05])));
});

test('an interval wider than a tenth fails', (t) => {
  t.true(failure([1, 1.3, 1.3, 1, 1, 0.8, 0.7, 1], [1, 1, 2, 1, 1, 2]));
});

test('slowing down all along does not count as a difference', (t) => {
  const slower = Array.from({ length: 20 }, (_, n) => 1.01 ** n);
  t.false(failure(slower, slower, slower));
});

test('no ratio between rounds is taken', (t) => {
  const { median } = controlOf(rounds([1, 1], [5, 5], [2, 2]));
  t.is(median, 1);
});

test('a cell holds the figures of all its rounds', (t) => {
  const measurement = { error: 1e-7, residentBytes: 5, workingBytes: 7, fixedBytes: 3, isNoisy: true };
  const benchCase = caseOf({ modelDim: 32, tokens: 10, batch: 2 });
  const cell = cellOf({ case: benchCase, ...measurement, rounds: rounds([2, 2, 4], [2, 1]) });
  const flop = 8 * 20 * 32 ** 2 + 4 * 2 * 10 ** 2 * 32;
  t.like(cell, { ...measurement, status: 'measured', flop, ms: { count: 5, min: 1, median: 2, max: 4 } });
  t.is(cell.tokensPerSecond, 10_000);
  t.is(cell.gflopPerSecond, flop / 2e6);
  t.is(cell.gigabytesPerSecond, null);
  t.is(cell.spread, (3.2 - 1.4) / 2);
  t.true(cell.interval.low >= 1 && cell.interval.high <= 4);
});

test('the share of the peak is that of each round', (t) => {
  const { peakShare, flop } = cellOf({
    case: caseOf(),
    rounds: [
      { ms: [1, 1], peak: 1e9, phaseMs: {} },
      // The machine became half as fast at everything.
      { ms: [2, 2], peak: 5e8, phaseMs: {} },
    ],
    ...{ error: 0, residentBytes: 1, workingBytes: 1, fixedBytes: 1, isNoisy: false },
  });
  t.is(peakShare, (flop * 1e3) / 1e9);
});

test('a step after a cache counts its one token, and what it reads', (t) => {
  const benchCase = caseOf({ mode: 'decode', batch: 3, tokens: 9 });
  const cell = cellOf({
    case: benchCase,
    rounds: rounds([0.5, 0.5]),
    ...{ error: 0, residentBytes: 1, workingBytes: 1, fixedBytes: 1, isNoisy: false },
  });
  t.is(cell.tokensPerSecond, 6000);
  t.is(cell.gigabytesPerSecond, (4 * (4 * 32 * 32 + 4 * 32) + 3 * 2 * 10 * 32 * 4) / 0.5e6);
});

test('the phases of a round are means of its calls, without those that took no time', (t) => {
  const before = { calls: 2, phaseMs: { project: 3 } };
  const after = { calls: 6, phaseMs: { project: 5, attend: 8, merge: 0 } };
  t.deepEqual(meanPhases(before, after), { project: 0.5, attend: 2 });
});

test('the phases of a cell are the medians of its rounds', (t) => {
  const ofAttend = [1, 2, 30].map((attend) => ({ ms: [1, 1], peak: 1e9, phaseMs: { attend } }));
  const all = [...ofAttend, { ms: [1, 1], peak: 1e9, phaseMs: { attend: 2, project: 1 } }];
  const { phaseMs } = cellOf({
    ...{
      case: caseOf(),
      rounds: all,
      error: 0,
      residentBytes: 1,
      workingBytes: 1,
      fixedBytes: 1,
      isNoisy: false,
    },
  });
  t.deepEqual(phaseMs, { attend: 2, project: 0 });
});
