// Sums of statistics over blocks of rows, made by the host of what the device tells of each row.
import { blockStatistics, type StatisticsOutput } from '../../../../src/core/protocol/statistics.js';
import { entryWords } from '../../../../src/core/protocol/tables.js';
import type { RegionViews } from '../../../../src/core/tensor/region.js';

export interface RowPlace {
  readonly entry: number;
  readonly query: number;
  readonly head: number;
}

export interface BlockSums {
  /** Calls for every query of every entry, with its number among them all. */
  forEachRow(visit: (entry: number, query: number, row: number) => void): void;
  /** Zeros the fields of all blocks. */
  clear(heads: number, fields: readonly number[]): void;
  /** Adds to a field of the block that the row belongs to. */
  add(place: RowPlace, field: number, amount: number): void;
}

export function openBlockSums(
  { region, queriesPerBlock }: StatisticsOutput,
  entries: Float64Array,
  views: RegionViews,
): BlockSums {
  const sums = views.doubles(region);
  const entryCount = entries.length / entryWords.count;
  const word = (entry: number, index: number): number => entries[entry * entryWords.count + index]!;
  const blocksOf = (entry: number): number => Math.ceil(word(entry, entryWords.queries) / queriesPerBlock);
  const startOf = ({ entry, query, head }: RowPlace): number => {
    const block = head * blocksOf(entry) + Math.floor(query / queriesPerBlock);
    return (word(entry, entryWords.statisticsOffset) + block) * blockStatistics;
  };
  return {
    forEachRow(visit) {
      let row = 0;
      for (let entry = 0; entry < entryCount; entry++) {
        for (let query = 0; query < word(entry, entryWords.queries); query++) visit(entry, query, row++);
      }
    },
    clear(heads, fields) {
      for (let entry = 0; entry < entryCount; entry++) {
        for (let block = 0; block < heads * blocksOf(entry); block++) {
          const start = (word(entry, entryWords.statisticsOffset) + block) * blockStatistics;
          for (const field of fields) sums[start + field] = 0;
        }
      }
    },
    add(place, field, amount) {
      sums[startOf(place) + field]! += amount;
    },
  };
}
