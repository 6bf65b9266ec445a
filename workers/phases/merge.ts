// Units of the merging phase: what the rows of a sequence gathered over ranges of its keys becomes their output.
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { Kernel } from '../kernels/kernel.js';
import { partialFloats, type MergeWork } from '../../src/core/protocol/attention-work.js';
import { entryWords } from '../../src/core/protocol/tables.js';
import type { UnitRunner } from './unit.js';

export function mergeUnits(
  work: MergeWork,
  [entries]: readonly Float64Array[],
  views: RegionViews,
  kernel: Kernel,
): UnitRunner {
  const { heads, kvHeads, valueDim, split, logSumExp } = work;
  const group = heads / kvHeads;
  const partial = views.floats(split.partial);
  const output = views.floats(work.output.region);
  const headScale = work.headScale && views.floats(work.headScale);
  const sums = logSumExp && { ...logSumExp, data: views.floats(logSumExp.region) };

  return ([entry, firstHead, endHead]) => {
    const word = (index: number): number => entries![entry! * entryWords.count + index]!;
    const queries = word(entryWords.queries);
    const ranges = Math.ceil(word(entryWords.keys) / split.keysPerRange);
    const headFloats = ranges * queries * group * partialFloats(valueDim);
    for (let kvHead = firstHead!; kvHead < endHead!; kvHead++) {
      const head = kvHead * group;
      kernel.merge({
        partial: { data: partial, offset: word(entryWords.partialOffset) + kvHead * headFloats },
        ranges,
        queries,
        group,
        valueDim,
        output: { data: output, offset: word(entryWords.outputOffset) + head * work.output.headStride },
        outputStride: work.output.tokenStride,
        outputHeadStride: work.output.headStride,
        logSumExp: sums && {
          to: { data: sums.data, offset: word(entryWords.logSumExpOffset) + head * sums.headStride },
          headStride: sums.headStride,
        },
        headScale: headScale && { data: headScale, offset: head },
      });
    }
  };
}
