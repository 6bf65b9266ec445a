// How often a comparison is wrong, over simulated pairs of files from a machine that drifts: no difference is seen where
// there is none in 95 of 100 whole tables, and a slow-down of 10 % is.
import test from 'ava';
import { comparePairs, hasSlowdown, type Comparison } from '../../../src/measure/grid/compare.js';
import { createRandom } from '../../../src/core/tensor/random.js';
import { simulateGrid } from '../../helpers/grid-results.js';

interface Simulation {
  readonly seed: number;
  readonly pairs: number;
  /** Whether the cells of a round drift together in this pair of files. */
  readonly isDriftShared: (pair: number) => boolean;
  /** Of a cell by its index. */
  readonly slowDown: (cell: number) => number;
}

/** Comparisons of pairs of files, each pair with a drift between 2 and 3 % from round to round. */
function simulate({ seed, pairs, isDriftShared, slowDown }: Simulation): Comparison[] {
  const random = createRandom(seed);
  return Array.from({ length: pairs }, (_, pair) => {
    const drift = 0.02 + 0.01 * random.uniform();
    const noise = { random, cells: 16, rounds: 5, samples: 9, drift, isDriftShared: isDriftShared(pair) };
    return comparePairs([{ a: simulateGrid(noise), b: simulateGrid({ ...noise, slowDown }) }]);
  });
}

const shareOf = (comparisons: readonly Comparison[], isHit: (comparison: Comparison) => boolean): number =>
  comparisons.filter(isHit).length / comparisons.length;
const isAny = ({ cells, overall }: Comparison, wanted: readonly string[]): boolean =>
  [overall, ...cells].some(({ verdict }) => verdict !== null && wanted.includes(verdict));

test('two runs of one build show no difference at all in 95 % of 1,000 whole tables', (t) => {
  const isDriftShared = (pair: number): boolean => pair % 2 === 0;
  const comparisons = simulate({ seed: 1, pairs: 1000, isDriftShared, slowDown: () => 1 });
  for (const parity of [0, 1]) {
    const half = comparisons.filter((_, pair) => pair % 2 === parity);
    const share = shareOf(half, (comparison) => isAny(comparison, ['faster', 'slower']));
    t.true(share <= 0.05, `${share}`);
    // Intervals that are never wrong would be wider than they need to be.
    t.true(share >= 0.005, `${share}`);
  }
});

test('a slow-down of 10 % everywhere is found in 95 % of tables, with a drift that all cells share too', (t) => {
  const comparisons = simulate({ seed: 2, pairs: 200, isDriftShared: () => true, slowDown: () => 1.1 });
  const share = shareOf(comparisons, hasSlowdown);
  t.true(share >= 0.95, `${share}`);
});

test('one cell of 16 that takes 1.3 times as long is found, and rarely another', (t) => {
  const slowDown = (cell: number): number => (cell === 3 ? 1.3 : 1);
  const comparisons = simulate({ seed: 3, pairs: 100, isDriftShared: () => false, slowDown });
  t.true(shareOf(comparisons, ({ cells }) => cells[3]!.verdict === 'slower') >= 0.95);
  const isOther = ({ cells }: Comparison): boolean =>
    cells.some(({ verdict }, cell) => cell !== 3 && verdict !== 'same');
  t.true(shareOf(comparisons, isOther) <= 0.05);
});
