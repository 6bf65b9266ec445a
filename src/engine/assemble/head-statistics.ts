// Statistics of heads: what workers gathered block by block becomes means over the rows of each sequence.
import type { HeadStatistics } from '../../attention/result.js';
import type { Batch } from '../../attention/batch.js';
import type { Shape } from '../../core/tensor/shape.js';
import type { Tensor } from '../../core/tensor/tensor.js';
import { blockStatistic, blockStatistics, type StatisticsOutput } from '../../core/protocol/statistics.js';
import type { WorkingSet } from './working-set.js';

export interface StatisticsResult {
  readonly work: StatisticsOutput;
  /** Where each entry's blocks start. */
  readonly offsets: readonly number[];
  /** @param hasContributions whether workers measured what heads contribute to the output of a layer */
  conclude(hasContributions: boolean): HeadStatistics;
}

/** Which sum of a block each mean is made of. */
const sumOf: Readonly<Record<keyof HeadStatistics, number>> = {
  entropy: blockStatistic.entropy,
  meanDistance: blockStatistic.distance,
  first: blockStatistic.first,
  self: blockStatistic.self,
  previous: blockStatistic.previous,
  next: blockStatistic.next,
  largest: blockStatistic.largest,
  outputNorm: blockStatistic.outputNorm,
  contributionNorm: blockStatistic.contributionNorm,
};

interface StatisticsShape {
  readonly heads: number;
  readonly batch: Batch;
  readonly queriesPerBlock: number;
}

/** @throws MEMORY_LIMIT */
export function createStatistics(
  { heads, batch: { entries }, queriesPerBlock }: StatisticsShape,
  memory: WorkingSet,
): StatisticsResult {
  const blocksOf = entries.map(({ queries }) => Math.ceil(queries / queriesPerBlock));
  let blocks = 0;
  const offsets = blocksOf.map((count) => {
    const offset = blocks;
    blocks += count * heads;
    return offset;
  });
  const region = memory.allocateVisible(2 * blocks * blockStatistics);
  return {
    work: { region, queriesPerBlock },
    offsets,
    conclude(hasContributions) {
      const sums = memory.views.doubles(region);
      const means = createMeans([entries.length, heads], hasContributions, memory);
      offsets.forEach((offset, entry) => {
        for (let head = 0; head < heads; head++) {
          const total = sumBlocks(sums, offset + head * blocksOf[entry]!, blocksOf[entry]!);
          // A token that a cache has given back is one that no row may attend.
          if (entries[entry]!.firstToken > 0) total[blockStatistic.first] = 0;
          writeMeans(means, entry * heads + head, total);
        }
      });
      return means;
    },
  };
}

function createMeans(shape: Shape, hasContributions: boolean, memory: WorkingSet): HeadStatistics {
  const names = Object.keys(sumOf) as (keyof HeadStatistics)[];
  const wanted = names.filter((name) => hasContributions || name !== 'contributionNorm');
  return Object.fromEntries(
    wanted.map((name) => [name, memory.createResult(shape)]),
  ) as unknown as HeadStatistics;
}

function sumBlocks(sums: Float64Array, first: number, count: number): Float64Array {
  const total = new Float64Array(blockStatistics);
  for (let block = first; block < first + count; block++) {
    for (let field = 0; field < blockStatistics; field++)
      total[field] = total[field]! + sums[block * blockStatistics + field]!;
  }
  return total;
}

/** Means over the rows that attended a key; 0 where none did. */
function writeMeans(means: HeadStatistics, at: number, total: Float64Array): void {
  const rows = Math.max(1, total[blockStatistic.hasAttended]!);
  for (const [name, tensor] of Object.entries(means) as [keyof HeadStatistics, Tensor][]) {
    tensor.data[at] = total[sumOf[name]]! / rows;
  }
}
