// Statistics of heads: their fields, of a row as kernels tell them and of a block as workers sum them, and where these go.
import type { Region } from '../tensor/region.js';

/** What a kernel tells of a row: the fields of its statistics, of a row that attended no key all 0. */
export const rowStatistic = {
  /** -Σ p ln p, in nats. */
  entropy: 0,
  /** Σ p · |position - j| */
  distance: 1,
  /** p of key 0, of the key at the row's position, of the one before and of the one behind. */
  first: 2,
  self: 3,
  previous: 4,
  next: 5,
  largest: 6,
  /** 1 if the row attended a key. */
  hasAttended: 7,
} as const;
export const rowStatistics = 8;

/** Of a block: the sums of its rows' statistics, and behind them sums of L2 norms. */
export const blockStatistic = {
  ...rowStatistic,
  outputNorm: rowStatistics,
  /** Of what the heads contribute to the output of a layer. */
  contributionNorm: rowStatistics + 1,
} as const;
export const blockStatistics = rowStatistics + 2;

/**
 * Sums over blocks of queries, the blocks of a head behind one another: Float64 [heads, blocks, blockStatistics] an
 * entry, from its `statisticsOffset` on.
 */
export interface StatisticsOutput {
  readonly region: Region;
  readonly queriesPerBlock: number;
}
