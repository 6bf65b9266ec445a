// Pairs of files: what a machine that is busy for the whole of a file makes of a single pair, and what of several.
import test from 'ava';
import {
  comparePairs,
  hasSlowdown,
  type Comparison,
  type GridPair,
} from '../../../src/measure/grid/compare.js';
import type { Cell, Round } from '../../../src/measure/grid/results.js';
import { createRandom, type Random } from '../../../src/core/tensor/random.js';
import { madeCase, madeCell, madeGrid, simulateGrid } from '../../helpers/grid-results.js';

const roundsOf = (ms: number): Round[] =>
  [0.99, 1, 1.01].map((share) => ({ ms: [ms * share], peak: 1e9, phaseMs: {} }));
const missing: Cell = { status: 'unavailable', case: madeCase(), reason: 'made up' };
const pairOf = (a: number, b: number): GridPair => ({
  a: madeGrid([madeCell(roundsOf(a))]),
  b: madeGrid([madeCell(roundsOf(b))]),
});

test('one pair is compared by its rounds', (t) => {
  const { pairs, cells } = comparePairs([pairOf(10, 13)]);
  t.is(pairs, 1);
  t.like(cells[0], { verdict: 'slower', a: 10, b: 13 });
  t.true(Math.abs(cells[0]!.ratio! - 1.3) < 1e-9);
});

test('the ratio is the geometric mean of those of the pairs, and the interval theirs', (t) => {
  const comparison = comparePairs([pairOf(10, 12), pairOf(20, 25), pairOf(10, 12)]);
  t.is(comparison.pairs, 3);
  const [cell] = comparison.cells;
  t.true(Math.abs(cell!.ratio! - (1.2 * 1.25 * 1.2) ** (1 / 3)) < 1e-9);
  t.true(cell!.interval!.low < 1.2 && cell!.interval!.high > 1.25);
  t.deepEqual([cell!.a, cell!.b], [10, 12], 'medians of the files');
  t.is(cell!.verdict, 'slower');
  t.true(hasSlowdown(comparison));
});

test('pairs that disagree have no verdict, however sure each is of itself', (t) => {
  const pairs = [pairOf(10, 12), pairOf(12, 10), pairOf(10, 11)] as const;
  for (const pair of pairs) t.not(comparePairs([pair]).overall.verdict, 'same');
  t.is(comparePairs([...pairs]).overall.verdict, 'same');
});

test('noise is in what pairs differ by, so a noisy cell counts', (t) => {
  const noisy = { a: madeGrid([madeCell(roundsOf(10), {}, true)]), b: madeGrid([madeCell(roundsOf(12))]) };
  t.is(comparePairs([noisy]).cells[0]!.verdict, null);
  t.like(comparePairs([noisy, pairOf(10, 12)]).cells[0], { verdict: 'slower', mark: null });
});

test('a cell that one of the files could not measure has no ratio', (t) => {
  const other = { a: madeGrid([missing]), b: madeGrid([madeCell(roundsOf(12))]) };
  const { cells, overall } = comparePairs([pairOf(10, 12), other]);
  t.like(cells[0], { ratio: null, verdict: null, mark: 'unavailable', a: null });
  t.is(overall.ratio, null);
});

test('a cell that is not in every file is left out', (t) => {
  const both = madeGrid([madeCell(roundsOf(10)), madeCell(roundsOf(10), { tokens: 64 })]);
  const { cells } = comparePairs([{ a: both, b: both }, pairOf(10, 10)]);
  t.is(cells.length, 1);
});

test('machines that differ in any pair are told', (t) => {
  const { a, b } = pairOf(10, 10);
  const other = { a, b: { ...b, machine: { ...b.machine, cpu: 'another' } } };
  t.deepEqual(
    comparePairs([{ a, b }, other]).machineDiffers.map(({ field }) => field),
    ['cpu'],
  );
});

/** Five pairs of files, each file slowed by 2 % of its own, beside what drifts within it. */
function drifting(random: Random, slowDown: number): [GridPair, ...GridPair[]] {
  const draw = (factor: number) => {
    const ofFile = factor * Math.exp(0.02 * random.normal());
    const noise = { random, cells: 8, rounds: 3, samples: 3, drift: 0.02, isDriftShared: true };
    return simulateGrid({ ...noise, slowDown: () => ofFile });
  };
  const pairs = Array.from({ length: 5 }, () => ({ a: draw(1), b: draw(slowDown) }));
  return pairs as [GridPair, ...GridPair[]];
}

const isAny = ({ cells, overall }: Comparison): boolean =>
  [overall, ...cells].some(({ verdict }) => verdict === 'slower' || verdict === 'faster');

test('five pairs of one build show no difference in 95 % of 400 tables, though whole files drift', (t) => {
  const random = createRandom(1);
  const tables = Array.from({ length: 400 }, () => drifting(random, 1));
  const wrong = tables.filter((pairs) => isAny(comparePairs(pairs))).length;
  t.true(wrong <= 20, `${wrong}`);
  const wrongAlone = tables.filter(([pair]) => isAny(comparePairs([pair]))).length;
  t.true(wrongAlone > wrong, `${wrongAlone} of single pairs`);
});

test('five pairs find a slow-down of 10 % in 95 % of tables', (t) => {
  const random = createRandom(2);
  const tables = Array.from({ length: 200 }, () => comparePairs(drifting(random, 1.1)));
  const found = tables.filter(hasSlowdown).length;
  t.true(found >= 190, `${found}`);
});
