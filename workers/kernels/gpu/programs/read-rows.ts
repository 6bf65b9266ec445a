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

/** Of each row its maximum and the sum of e^(score - maximum). */
export function readLogSumExp(
  { heads }: Pick<AttentionWork, 'heads'>,
  logSumExp: Strided,
  entries: Float64Array,
  state: Scratch,
  { views }: ProgramContext,
): ReadBack {
  const to = onData(logSumExp, views.floats.bind(views));
  return {
    from: state,
    conclude: (rows) => {
      forEachRow(heads, entries, ({ entry, head, query, row }) => {
        const sum = rows[2 * row + 1]!;
        const start = entries[entry * entryWords.count + entryWords.logSumExpOffset]!;
        const { data, offset } = entryFrom(to, start, head);
        data[offset + query] = sum === 0 ? -Infinity : rows[2 * row]! + Math.log(sum);
      });
    },
  };
}

export function readRowStatistics(
  { heads }: Pick<AttentionWork, 'heads'>,
  output: StatisticsOutput,
  entries: Float64Array,
  statistics: Scratch,
  { views }: ProgramContext,
): ReadBack {
  const blocks = openBlockSums(output, entries, views);
  return {
    from: statistics,
    conclude: (found) => {
      blocks.clear(heads, [...Array(rowStatistics).keys(), blockStatistic.outputNorm]);
      forEachRow(heads, entries, ({ row, ...place }) => {
        for (let field = 0; field < statisticsOfRow; field++) {
          blocks.add(place, field, found[row * statisticsOfRow + field]!);
        }
      });
    },
  };
}

interface Row {
  readonly entry: number;
  readonly head: number;
  readonly query: number;
  /** Its number on the device, where the heads of an entry follow one another. */
  readonly row: number;
}

function forEachRow(heads: number, entries: Float64Array, visit: (row: Row) => void): void {
  let row = 0;
  for (let entry = 0; entry < entries.length / entryWords.count; entry++) {
    const queries = entries[entry * entryWords.count + entryWords.queries]!;
    for (let head = 0; head < heads; head++) {
      for (let query = 0; query < queries; query++) visit({ entry, head, query, row: row++ });
    }
  }
}
