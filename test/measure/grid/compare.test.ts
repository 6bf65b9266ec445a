// Two grids compared: what pairs up, what gets a verdict, what is marked and what is refused.
import test from 'ava';
import { HeadpoolError } from '../../../src/core/errors.js';
import {
  comparePairs,
  hasSlowdown,
  isUndecided,
  type Comparison,
} from '../../../src/measure/grid/compare.js';
import {
  nameOfCase,
  type BenchCase,
  type Cell,
  type GridResults,
  type Round,
} from '../../../src/measure/grid/results.js';
import { madeCase, madeCell, madeGrid } from '../../helpers/grid-results.js';

const compareGrids = (a: GridResults, b: GridResults): Comparison => comparePairs([{ a, b }]);

/** Five rounds around `ms` that scatter by 1 %. */
const roundsOf = (ms: number, peak = 1e9): Round[] =>
  [0.99, 1, 1.01, 1, 0.995].map((share) => ({
    ms: [ms * share, ms * share * 1.02, ms * share * 0.98],
    peak,
    phaseMs: {},
  }));
const cellOf = (ms: number, changes: Partial<BenchCase> = {}, isNoisy = false): Cell =>
  madeCell(roundsOf(ms), changes, isNoisy);
const missing = (changes: Partial<BenchCase> = {}): Cell => ({
  status: 'unavailable',
  case: madeCase(changes),
  reason: 'made up',
});

test('a file against itself is the same everywhere', (t) => {
  const grid = madeGrid([cellOf(10), cellOf(20, { tokens: 64 })]);
  const comparison = compareGrids(grid, grid);
  t.deepEqual(
    comparison.cells.map(({ ratio, verdict, mark }) => ({ ratio, verdict, mark })),
    Array.from({ length: 2 }, () => ({ ratio: 1, verdict: 'same', mark: null })),
  );
  t.like(comparison.overall, { ratio: 1, verdict: 'same' });
  t.like(comparison, { machineDiffers: [], onlyInA: [], onlyInB: [] });
  t.false(hasSlowdown(comparison));
});

test('slower and faster cells are told apart, and the interval holds the ratio', (t) => {
  const a = madeGrid([cellOf(10), cellOf(20, { tokens: 64 }), cellOf(5, { tokens: 128 })]);
  const b = madeGrid([cellOf(13), cellOf(15, { tokens: 64 }), cellOf(5, { tokens: 128 })], {
    version: '0.2.0',
  });
  const comparison = compareGrids(a, b);
  t.deepEqual(
    comparison.cells.map(({ verdict }) => verdict),
    ['slower', 'faster', 'same'],
  );
  const [slower] = comparison.cells;
  t.true(Math.abs(slower!.ratio! - 1.3) < 1e-9);
  t.true(slower!.interval!.low < 1.3 && 1.3 < slower!.interval!.high);
  t.like(slower, { name: nameOfCase(madeCase()), case: madeCase() });
  t.true(Math.abs(slower!.a! - 10) < 0.1 && Math.abs(slower!.b! - 13) < 0.1);
  t.deepEqual(comparison.versions, { a: '0.1.0', b: '0.2.0' });
  t.true(hasSlowdown(comparison));
  t.is(compareGrids(b, a).cells[0]!.verdict, 'faster');
});

test('a machine that was slower at everything makes no cell slower, and the times stay as measured', (t) => {
  const a = madeGrid([madeCell(roundsOf(10, 2e9))]);
  const b = madeGrid([madeCell(roundsOf(20, 1e9))]);
  const [cell] = compareGrids(a, b).cells;
  t.is(cell!.verdict, 'same');
  t.true(Math.abs(cell!.ratio! - 1) < 1e-9);
  t.is(cell!.b! / cell!.a!, 2);
});

test('a slow-down that each cell is too unsure of shows overall', (t) => {
  // Cells scatter by 8 % in turn, so that a round's mean over all cells hardly does.
  const waves = (ms: number, cell: number): Cell => {
    const share = (round: number): number => 1 + 0.08 * Math.cos((2 * Math.PI * (round + cell)) / 5);
    const rounds = [0, 1, 2, 3, 4].map((round) => ({
      ms: [ms * share(round) * (1 + round * 1e-4)],
      peak: 1e9,
      phaseMs: {},
    }));
    return madeCell(rounds, { tokens: cell + 1 });
  };
  const tableOf = (ms: number) => madeGrid([0, 1, 2, 3, 4].map((cell) => waves(ms, cell)));
  const comparison = compareGrids(tableOf(10), tableOf(10.5));
  t.true(comparison.cells.every(({ verdict }) => verdict === 'same'));
  t.is(comparison.overall.verdict, 'slower');
  t.true(hasSlowdown(comparison));
});

test('more cells make each interval wider', (t) => {
  const few = madeGrid([cellOf(10)]);
  const many = madeGrid([1, 2, 3, 4].map((tokens) => cellOf(10, { tokens })));
  const width = ({ low, high }: { low: number; high: number }): number => high - low;
  const [one, four] = [few, many].map((grid) => compareGrids(grid, grid));
  t.true(width(four!.cells[0]!.interval!) > width(one!.cells[0]!.interval!));
});

test('cells pair by all fields of their case and not by their order, and the rest is listed', (t) => {
  const a = madeGrid([cellOf(10), cellOf(20, { window: 0 }), cellOf(1, { threads: 1 })]);
  const b = madeGrid([cellOf(2, { dtype: 'f16' }), cellOf(20, { window: 0 }), cellOf(10)]);
  const comparison = compareGrids(a, b);
  t.deepEqual(
    comparison.cells.map(({ ratio }) => ratio),
    [1, 1],
  );
  t.deepEqual(comparison.onlyInA, [
    { name: nameOfCase(madeCase({ threads: 1 })), case: madeCase({ threads: 1 }) },
  ]);
  t.deepEqual(comparison.onlyInB, [
    { name: nameOfCase(madeCase({ dtype: 'f16' })), case: madeCase({ dtype: 'f16' }) },
  ]);
});

test('a case that a file has twice pairs once for each', (t) => {
  const comparison = compareGrids(madeGrid([cellOf(10), cellOf(10)]), madeGrid([cellOf(10)]));
  t.is(comparison.cells.length, 1);
  t.is(comparison.onlyInA.length, 1);
});

test('a noisy cell keeps its figures, gets no verdict and stays out of the overall one', (t) => {
  const quiet = cellOf(10, { tokens: 64 });
  for (const [inA, inB] of [
    [true, false],
    [false, true],
  ] as const) {
    const comparison = compareGrids(
      madeGrid([cellOf(10, {}, inA), quiet]),
      madeGrid([cellOf(30, {}, inB), quiet]),
    );
    const [cell] = comparison.cells;
    t.like(cell, { mark: 'noisy', verdict: null });
    t.true(cell!.ratio! > 2.9 && cell!.interval !== null);
    t.is(comparison.overall.ratio, 1);
    t.false(hasSlowdown(comparison));
  }
});

test('a cell that one file could not measure is marked', (t) => {
  const comparison = compareGrids(madeGrid([cellOf(10)]), madeGrid([missing()]));
  const [cell] = comparison.cells;
  t.like(cell, { mark: 'unavailable', b: null, ratio: null, interval: null, verdict: null });
  t.not(cell!.a, null);
  t.deepEqual(comparison.overall, { ratio: null, interval: null, verdict: null });
  t.false(hasSlowdown(comparison));
});

test('a single round gives a ratio and no verdict', (t) => {
  const single = madeGrid([madeCell(roundsOf(20).slice(0, 1))]);
  const [cell] = compareGrids(madeGrid([cellOf(10)]), single).cells;
  t.like(cell, { mark: 'few rounds', interval: null, verdict: null });
  t.true(cell!.ratio! > 1.9);
});

test('files with a different number of rounds compare', (t) => {
  const a = madeGrid([cellOf(10), cellOf(10, { tokens: 64 })]);
  const b = madeGrid([madeCell(roundsOf(20).slice(0, 3)), cellOf(20, { tokens: 64 })]);
  const comparison = compareGrids(a, b);
  t.true(comparison.cells.every(({ verdict }) => verdict === 'slower'));
  t.is(comparison.overall.verdict, 'slower');
});

test('a comparison is plain JSON, with rounds as wild as numbers can be too', (t) => {
  const wild = madeGrid([madeCell([1e-300, 1e300].map((ms) => ({ ms: [ms], peak: 1, phaseMs: {} })))]);
  for (const grid of [wild, madeGrid([cellOf(10), missing({ tokens: 64 })])]) {
    const comparison = compareGrids(grid, grid);
    t.deepEqual(JSON.parse(JSON.stringify(comparison)), comparison);
  }
});

test('what differs about the machine, Node.js and instruction sets is named', (t) => {
  const a = madeGrid([], { instructionSets: { native: 'avx2', wasm: 'simd128' } });
  const machine = { ...a.machine, cpu: 'another', node: '22.1.0' };
  const b = madeGrid([], { machine, instructionSets: { native: 'avx512' } });
  t.deepEqual(compareGrids(a, b).machineDiffers, [
    { field: 'cpu', a: 'made up', b: 'another' },
    { field: 'node', a: '20.19.0', b: '22.1.0' },
    { field: 'instructionSets.native', a: 'avx2', b: 'avx512' },
  ]);
});

const refuses = test.macro((t, rounds: readonly Round[], message: string) => {
  const [good, bad] = [madeGrid([cellOf(10)]), madeGrid([madeCell(rounds)])];
  for (const compare of [() => compareGrids(good, bad), () => compareGrids(bad, good)]) {
    const error = t.throws(compare, { instanceOf: HeadpoolError });
    t.is(error.code, 'INVALID_OPTION');
    t.is(error.message, message);
  }
});
const name = nameOfCase(madeCase());
test(
  'a measured cell without rounds is refused',
  refuses,
  [],
  `Expected at least one round for \`${name}\`, got \`[]\` (array)`,
);
test(
  'a round without samples is refused',
  refuses,
  [...roundsOf(10), { ms: [], peak: 1e9, phaseMs: {} }],
  `Expected samples for \`${name}: rounds[5].ms\`, got \`[]\` (array)`,
);
test(
  'a peak of 0 is refused',
  refuses,
  [{ ms: [1], peak: 0, phaseMs: {} }],
  `Expected positive times and peak for \`${name}: rounds[0]\`, got \`0\` (number)`,
);
test(
  'a negative time is refused',
  refuses,
  [{ ms: [1, -1], peak: 1, phaseMs: {} }],
  `Expected positive times and peak for \`${name}: rounds[0]\`, got \`-1\` (number)`,
);

test('files of a busy machine are named with their signs', (t) => {
  const rounds = [1, 2].map(() => ({ ms: [1], peak: 1e9, phaseMs: {} }));
  const quiet = madeGrid([madeCell(rounds)]);
  const busy = madeGrid([madeCell(rounds)], { busy: ['it slept', 'it swapped'] });
  t.deepEqual(comparePairs([{ a: quiet, b: quiet }]).busy, []);
  t.deepEqual(comparePairs([{ a: quiet, b: busy }]).busy, ['B: it slept, it swapped']);
  const pairs = comparePairs([
    { a: quiet, b: quiet },
    { a: busy, b: busy },
  ]);
  t.deepEqual(pairs.busy, ['A 2: it slept, it swapped', 'B 2: it slept, it swapped']);
});

test('nothing is decided where no cell has a verdict, and only there', (t) => {
  const rounds = [1, 2, 3].map(() => ({ ms: [1], peak: 1e9, phaseMs: {} }));
  const compare = (isNoisy: readonly boolean[]) => {
    const grid = madeGrid(isNoisy.map((noisy, index) => madeCell(rounds, { tokens: 1 + index }, noisy)));
    return comparePairs([{ a: grid, b: grid }]);
  };
  t.true(isUndecided(compare([true, true])));
  t.false(isUndecided(compare([true, false])));
  t.false(isUndecided(compare([])));
});
