// What the host makes of the numbers that attention leaves of each row: logarithms of sums, and sums of statistics.
import type { AttentionWork } from '../../../../src/core/protocol/attention-work.js';
import {
  blockStatistic,
  rowStatistics,
  type StatisticsOutput,
} from '../../../../src/core/protocol/statistics.js';
import { entryFrom, onData, type Strided } from '../../../../src/core/protocol/strided.js';
import { entryWords } from '../../../../src/core/protocol/tables.js';
import { statisticsOfRow } from '../attend/row-statistics.js';
import type { ProgramContext, ReadBack, Scratch } from '../dispatch.js';
import { openBlockSums } from './block-sums.js';

/** Queries [firstQuery, firstQuery + queries) of a head. */
export interface RowRun {
  readonly entry: number;
  readonly head: number;
  readonly firstQuery: number;
  readonly queries: number;
}

/** Numbers of the rows of runs that follow one another. */
export interface RowNumbers {
  readonly from: Scratch;
  readonly runs: readonly RowRun[];
}

/** All rows of a call as the device numbers them, where the heads of an entry follow one another. */
export function allRuns({ heads }: Pick<AttentionWork, 'heads'>, entries: Float64Array): RowRun[] {
  const runs: RowRun[] = [];
  for (let entry = 0; entry < entries.length / entryWords.count; entry++) {
    const queries = entries[entry * entryWords.count + entryWords.queries]!;
    for (let head = 0; head < heads; head++) runs.push({ entry, head, firstQuery: 0, queries });
  }
  return runs;
}

/** @param states begin with the maximum of each row and its sum of e^(score - maximum) */
export function readLogSumExp(
  logSumExp: Strided,
  entries: Float64Array,
  states: readonly RowNumbers[],
  { views }: ProgramContext,
): ReadBack[] {
  const to = onData(logSumExp, views.floats.bind(views));
  return states.map(({ from, runs }) => ({
    from,
    byteLength: 8 * runs.reduce((rows, { queries }) => rows + queries, 0),
    conclude: (rows) => {
      forEachRow(runs, ({ entry, head, query, row }) => {
        const sum = rows[2 * row + 1]!;
        const start = entries[entry * entryWords.count + entryWords.logSumExpOffset]!;
        const { data, offset } = entryFrom(to, start, head);
        data[offset + query] = sum === 0 ? -Infinity : rows[2 * row]! + Math.log(sum);
      });
    },
  }));
}

/** @param found in the order of rows, in which they are added up */
export function readRowStatistics(
  { heads }: Pick<AttentionWork, 'heads'>,
  output: StatisticsOutput,
  entries: Float64Array,
  found: readonly RowNumbers[],
  { views }: ProgramContext,
): ReadBack[] {
  const blocks = openBlockSums(output, entries, views);
  return found.map(({ from, runs }, n) => ({
    from,
    conclude: (numbers) => {
      if (n === 0) blocks.clear(heads, [...Array(rowStatistics).keys(), blockStatistic.outputNorm]);
      forEachRow(runs, ({ row, ...place }) => {
        for (let field = 0; field < statisticsOfRow; field++) {
          blocks.add(place, field, numbers[row * statisticsOfRow + field]!);
        }
      });
    },
  }));
}

interface Row {
  readonly entry: number;
  readonly head: number;
  readonly query: number;
  /** Its number among those of the runs. */
  readonly row: number;
}

function forEachRow(runs: readonly RowRun[], visit: (row: Row) => void): void {
  let row = 0;
  for (const { entry, head, firstQuery, queries } of runs) {
    for (let n = 0; n < queries; n++) visit({ entry, head, query: firstQuery + n, row: row++ });
  }
}
