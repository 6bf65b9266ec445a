// Statistics of heads, gathered where their rows are computed: the rows' statistics of a block, summed in their order.
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { AttentionBlock, Kernel } from '../kernels/kernel.js';
import {
  blockStatistic,
  blockStatistics,
  rowStatistics,
  type StatisticsOutput,
} from '../../src/core/protocol/statistics.js';
import { rowsTogether } from '../../src/core/protocol/strided.js';
import { entryWords } from '../../src/core/protocol/tables.js';
import type { BlockRange } from './attention-block.js';

export interface BlockStatistics {
  /** Computes the block, and leaves the sums over its rows where those of its heads and queries belong. */
  attend(kernel: Kernel, block: AttentionBlock, range: BlockRange): void;
}

export function openBlockStatistics(
  { region, queriesPerBlock }: StatisticsOutput,
  entries: Float64Array,
  views: RegionViews,
): BlockStatistics {
  const sums = views.doubles(region);
  let rows = new Float32Array();
  return {
    attend(kernel, block, { entry, firstHead, firstQuery }) {
      const { queries, group } = block;
      const length = queries * group * rowStatistics;
      if (rows.length < length) rows = new Float32Array(length);
      kernel.attend({ ...block, statistics: rowsTogether(rows, 0, group, rowStatistics) });
      const word = (index: number): number => entries[entry * entryWords.count + index]!;
      const blocks = Math.ceil(word(entryWords.queries) / queriesPerBlock);
      for (let g = 0; g < group; g++) {
        const index = (firstHead + g) * blocks + Math.floor(firstQuery / queriesPerBlock);
        const start = (word(entryWords.statisticsOffset) + index) * blockStatistics;
        sumRows(block, g, rows, sums.subarray(start, start + blockStatistics));
      }
    },
  };

  function sumRows(block: AttentionBlock, g: number, from: Float32Array, to: Float64Array): void {
    to.fill(0);
    for (let i = 0; i < block.queries; i++) {
      const start = (i * block.group + g) * rowStatistics;
      for (let field = 0; field < rowStatistics; field++) to[field] = to[field]! + from[start + field]!;
      to[blockStatistic.outputNorm] = to[blockStatistic.outputNorm]! + outputNorm(block, i, g);
    }
  }
}

/** L2 norm of an output row. */
function outputNorm(block: AttentionBlock, i: number, g: number): number {
  const { output, valueDim } = block;
  const start = output.offset + i * output.rowStride + g * output.headStride;
  let squares = 0;
  for (let d = start; d < start + valueDim; d++) squares += output.data[d]! ** 2;
  return Math.sqrt(squares);
}
