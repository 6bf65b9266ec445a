// Units that measure what heads contribute to the output of a layer: the norm of W_h·o without computing W_h·o, from
// the Gram matrix G = W_hᵀ·W_h of the head's columns of W^O, as √(oᵀ·G·o).
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { Kernel } from '../kernels/kernel.js';
import type { ContributeWork, GramWork } from '../../src/core/protocol/layer-work.js';
import { blockStatistic, blockStatistics } from '../../src/core/protocol/statistics.js';
import { rowsTogether } from '../../src/core/protocol/strided.js';
import { entryWords } from '../../src/core/protocol/tables.js';
import { gramOf } from '../kernels/gram.js';
import { openPanels } from './project.js';
import type { UnitRunner } from '../../src/core/protocol/tables.js';

export function gramUnits({ weight, rows, heads, valueDim, to }: GramWork, views: RegionViews): UnitRunner {
  const source = views.floats(weight); // [rows, heads · valueDim]
  const target = views.floats(to); // [heads, valueDim, valueDim]
  const width = heads * valueDim;
  return ([head]) => {
    target.set(
      gramOf(source, { rows, width, start: head! * valueDim, columns: valueDim }),
      head! * valueDim * valueDim,
    );
  };
}

export function contributeUnits(
  { valueDim, concat, gram, statistics }: ContributeWork,
  [entries]: readonly Float64Array[],
  views: RegionViews,
  kernel: Kernel,
): UnitRunner {
  const rows = views.floats(concat.data);
  const sums = views.doubles(statistics.region);
  const panels = openPanels(gram, valueDim, views, kernel);
  return ([entry, firstHead, endHead, firstQuery, endQuery]) => {
    const word = (index: number): number => entries![entry! * entryWords.count + index]!;
    const queries = endQuery! - firstQuery!;
    const blocks = Math.ceil(word(entryWords.queries) / statistics.queriesPerBlock);
    const block = Math.floor(firstQuery! / statistics.queriesPerBlock);
    for (let head = firstHead!; head < endHead!; head++) {
      // Arrays of their own for every product: kernels know operands that they have copied by the array.
      const o = new Float32Array(queries * valueDim);
      const product = new Float32Array(queries * valueDim);
      for (let i = 0; i < queries; i++) {
        const start =
          word(entryWords.outputOffset) + head * concat.headStride + (firstQuery! + i) * concat.rowStride;
        o.set(rows.subarray(start, start + valueDim), i * valueDim);
      }
      kernel.project({
        rows: { data: o, offset: 0 },
        rowCount: queries,
        depth: valueDim,
        panels: panels.segment(head).slice,
        columns: valueDim,
        output: rowsTogether(product, 0, 1, valueDim),
      });
      const index = word(entryWords.statisticsOffset) + head * blocks + block;
      sums[index * blockStatistics + blockStatistic.contributionNorm] = sumNorms(o, product, valueDim);
    }
  };
}

/** Σ over rows of √(o·(G·o)), which rounding may leave a little below 0. */
function sumNorms(o: Float32Array, product: Float32Array, valueDim: number): number {
  let total = 0;
  for (let start = 0; start < o.length; start += valueDim) {
    let square = 0;
    for (let d = start; d < start + valueDim; d++) square += o[d]! * product[d]!;
    total += square < 0 ? 0 : Math.sqrt(square);
  }
  return total;
}
