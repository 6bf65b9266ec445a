// Several pairs of result files of the same grid, the files of a pair measured one after the other. A machine that is busy
// for minutes slows a whole file, which the rounds of that file can't tell; how much pairs differ from each other does. So
// a pair gives one number, the log of its ratio, and Student's t interval goes over the pairs. Pure.
import { meanInterval } from '../student.js';
import { mean, median } from '../statistics.js';
import {
  compareGrids,
  judge,
  keyOf,
  nothing,
  tableError,
  toRatio,
  type ComparedCell,
  type ComparedRatio,
  type Comparison,
} from './compare.js';
import type { GridResults } from './results.js';

export interface GridPair {
  readonly a: GridResults;
  readonly b: GridResults;
}

/**
 * All B against all A. Cells that aren't in every file are left out; noisy ones count, because their noise is in what the
 * pairs differ by. Verdicts hold for the table as a whole, as those of `compareGrids`, which compares a single pair.
 */
export function comparePairs(pairs: readonly [GridPair, ...GridPair[]]): Comparison {
  const comparisons = pairs.map(({ a, b }) => compareGrids(a, b));
  const [first] = comparisons as [Comparison];
  if (comparisons.length === 1) return first;
  const rows = first.cells.flatMap((cell) => {
    const key = keyOf(cell.case);
    const others = comparisons.map(({ cells }) => cells.find((other) => keyOf(other.case) === key));
    return others.every((other) => other !== undefined) ? [others] : [];
  });
  const logs = rows.map((cells) => cells.flatMap(({ ratio }) => (ratio === null ? [] : [Math.log(ratio)])));
  const judged = logs.filter((row) => row.length === pairs.length);
  const confidence = 1 - tableError / 2 / Math.max(1, judged.length);
  const averages = pairs.map((_, pair) => mean(judged.map((row) => row[pair]!)));
  return {
    ...first,
    pairs: pairs.length,
    machineDiffers: comparisons.find(({ machineDiffers }) => machineDiffers.length > 0)?.machineDiffers ?? [],
    cells: rows.map((cells, row) => {
      const isJudged = logs[row]!.length === pairs.length;
      return {
        ...joinCells(cells),
        ...(isJudged ? compareLogs(logs[row]!, confidence) : nothing),
        mark: isJudged ? null : 'unavailable',
      };
    }),
    overall: judged.length === 0 ? nothing : compareLogs(averages, 1 - tableError / 2),
  };
}

function joinCells(cells: readonly ComparedCell[]): Pick<ComparedCell, 'name' | 'case' | 'a' | 'b'> {
  const { name, case: benchCase } = cells[0]!;
  const medianOf = (side: 'a' | 'b'): number | null => {
    const times = cells.map((cell) => cell[side]);
    return times.every((time) => time !== null) ? median(times) : null;
  };
  return { name, case: benchCase, a: medianOf('a'), b: medianOf('b') };
}

function compareLogs(logs: readonly number[], confidence: number): ComparedRatio {
  const { mean: log, interval } = meanInterval(logs, confidence);
  const ratios = { low: toRatio(interval.low), high: toRatio(interval.high) };
  return { ratio: toRatio(log), interval: ratios, verdict: judge(ratios) };
}
