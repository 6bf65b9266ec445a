// What the host makes of rows: the logarithm of their sums, and sums of their statistics in float64.
import type { AttentionWork } from '../../../../src/core/protocol/attention-work.js';
import type { ContributeWork } from '../../../../src/core/protocol/layer-work.js';
import {
  blockStatistic,
  blockStatistics,
  rowStatistic,
  type StatisticsOutput,
} from '../../../../src/core/protocol/statistics.js';
import { entryFrom } from '../../../../src/core/protocol/strided.js';
import { entryWords } from '../../../../src/core/protocol/tables.js';
import type { RegionViews } from '../../../../src/core/tensor/region.js';
import type { Dispatch, ReadBack } from '../dispatch.js';
import type { Block, Steps } from './attend.js';
import { createScratch } from './place.js';
import { plainKernels } from './shaders.js';
import type { Placed } from './translate.js';

/** Rows of `width` numbers each that are read back, those of a block after those of the one before. */
export class RowsReadBack {
  readonly #scratch;
  readonly #width: number;
  readonly #conclusions: ((floats: Float32Array) => void)[] = [];
  #rows = 0;

  constructor(rows: number, width: number) {
    this.#scratch = createScratch(rows * width);
    this.#width = width;
  }

  /**
   * Where number `field` of the queries of a block goes, column x being query x of head y.
   * @param conclude takes the numbers of query i of head g
   */
  add(
    heads: number,
    queries: number,
    conclude: (g: number, i: number, numbers: Float32Array) => void,
  ): (field: number) => Placed {
    const [first, width] = [this.#rows, this.#width];
    this.#rows += heads * queries;
    this.#conclusions.push((floats) => {
      for (let g = 0; g < heads; g++) {
        for (let i = 0; i < queries; i++) {
          const at = (first + g * queries + i) * width;
          conclude(g, i, floats.subarray(at, at + width));
        }
      }
    });
    const strides = { headStride: 0, rowStride: queries * width, columnStride: width };
    return (field) => ({ data: this.#scratch, offset: first * width + field, ...strides });
  }

  get readBack(): ReadBack {
    return {
      from: this.#scratch,
      conclude: (floats) => {
        for (const conclude of this.#conclusions) conclude(floats);
      },
    };
  }
}

/** m and l of a row. */
export const sumWidth = 2;

export function readSums(
  { logSumExp, heads, kvHeads }: AttentionWork,
  entries: Float64Array,
  { entry, kvHead, firstQuery, queries }: Block,
  { maxima, sums }: Steps,
  rows: RowsReadBack,
  views: RegionViews,
): readonly Dispatch[] {
  const { copyRows } = plainKernels();
  const group = heads / kvHeads;
  const start = entries[entry * entryWords.count + entryWords.logSumExpOffset]!;
  const { data, offset, headStride, rowStride } = entryFrom(logSumExp!, start, kvHead * group, firstQuery);
  const to = rows.add(group, queries, (g, i, [m, l]) => {
    const sum = l === 0 ? -Infinity : m! + Math.log(l!);
    views.floats(data)[offset + g * headStride + i * rowStride] = sum;
  });
  return [maxima, sums].map((numbers, field) =>
    copyRows.dispatch([queries, group, 1], to(field), { rows: numbers, factor: 1 }),
  );
}

/** The fields of a block's statistics that attention tells of each row. */
export const statisticsWidth = blockStatistic.outputNorm + 1;

export function readStatistics(
  { statistics, heads, kvHeads, extra, valueDim }: AttentionWork,
  entries: Float64Array,
  { entry, kvHead, firstQuery, queries, keys }: Block,
  { weights, attended, output }: Steps,
  rows: RowsReadBack,
  views: RegionViews,
): readonly Dispatch[] {
  const kernels = plainKernels();
  const group = heads / kvHeads;
  const columns = keys + (extra?.count ?? 0);
  const position = firstQuery + entries[entry * entryWords.count + entryWords.diagonal]!;
  const sumsOf = openSums(statistics!, entries, entry, views);
  const to = rows.add(group, queries, (g, i, numbers) => {
    const sums = sumsOf(kvHead * group + g, firstQuery + i);
    numbers.forEach((number, field) => (sums[field] = sums[field]! + number));
  });
  const size = [queries, group, 1] as const;
  const weightOf = (field: number, first: number, step: number): Dispatch =>
    kernels.findWeight.dispatch(size, to(field), { weights, keys, first, step });
  return [
    kernels.findEntropy.dispatch(size, to(rowStatistic.entropy), { weights, columns }),
    kernels.findDistance.dispatch(size, to(rowStatistic.distance), { weights, keys, position }),
    weightOf(rowStatistic.first, 0, 0),
    weightOf(rowStatistic.self, position, 1),
    weightOf(rowStatistic.previous, position - 1, 1),
    weightOf(rowStatistic.next, position + 1, 1),
    kernels.findLargest.dispatch(size, to(rowStatistic.largest), { numbers: weights, columns }),
    kernels.findLargest.dispatch(size, to(rowStatistic.hasAttended), { numbers: attended, columns }),
    kernels.findNorm.dispatch(size, to(blockStatistic.outputNorm), { rows: output, columns: valueDim }),
  ];
}

/** The statistics that blocks of an entry are summed into, all 0 before the first row of a block. */
function openSums(
  { region, queriesPerBlock }: StatisticsOutput,
  entries: Float64Array,
  entry: number,
  views: RegionViews,
): (head: number, query: number) => Float64Array {
  const word = (index: number): number => entries[entry * entryWords.count + index]!;
  const blocks = Math.ceil(word(entryWords.queries) / queriesPerBlock);
  return (head, query) => {
    const index = word(entryWords.statisticsOffset) + head * blocks + Math.floor(query / queriesPerBlock);
    const sums = views.doubles(region).subarray(index * blockStatistics, (index + 1) * blockStatistics);
    return query % queriesPerBlock === 0 ? sums.fill(0, 0, statisticsWidth) : sums;
  };
}

/** The norm of what each head contributes to each row, from the head's Gram matrix. */
export function readContributions(
  { concat, valueDim, statistics }: ContributeWork,
  entries: Float64Array,
  { entry, heads, gram }: { readonly entry: number; readonly heads: number; readonly gram: Placed },
  rows: RowsReadBack,
  views: RegionViews,
): Dispatch {
  const word = (index: number): number => entries[entry * entryWords.count + index]!;
  const queries = word(entryWords.queries);
  const blocks = Math.ceil(queries / statistics.queriesPerBlock);
  const to = rows.add(heads, queries, (head, query, [norm]) => {
    const block = head * blocks + Math.floor(query / statistics.queriesPerBlock);
    const at =
      (word(entryWords.statisticsOffset) + block) * blockStatistics + blockStatistic.contributionNorm;
    const sums = views.doubles(statistics.region);
    sums[at] = (query % statistics.queriesPerBlock === 0 ? 0 : sums[at]!) + norm!;
  });
  const output = entryFrom(concat, word(entryWords.outputOffset), 0);
  return plainKernels().findContribution.dispatch([queries, heads, 1], to(0), {
    rows: output,
    gram,
    valueDim,
  });
}
