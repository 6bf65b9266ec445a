// Units of the merging phase: what the rows of a sequence gathered over ranges of its keys becomes their output.
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { Kernel } from '../kernels/kernel.js';
import { partialFloats, type MergeWork } from '../../src/core/protocol/attention-work.js';
import { entryFrom, from, onData, rowsTogether } from '../../src/core/protocol/strided.js';
import { entryWords } from '../../src/core/protocol/tables.js';
import type { UnitRunner } from '../../src/core/protocol/tables.js';

export function mergeUnits(
  work: MergeWork,
  [entries]: readonly Float64Array[],
  views: RegionViews,
  kernel: Kernel,
): UnitRunner {
  const { heads, kvHeads, valueDim, split } = work;
  const group = heads / kvHeads;
  const floats = views.floats.bind(views);
  const partial = floats(split.partial);
  const output = onData(work.output, floats);
  const headScale = work.headScale && onData(work.headScale, floats);
  const logSumExp = work.logSumExp && onData(work.logSumExp, floats);

  return ([entry, firstHead, endHead]) => {
    const word = (index: number): number => entries![entry! * entryWords.count + index]!;
    const queries = word(entryWords.queries);
    const ranges = Math.ceil(word(entryWords.keys) / split.keysPerRange);
    const headFloats = ranges * queries * group * partialFloats(valueDim);
    for (let kvHead = firstHead!; kvHead < endHead!; kvHead++) {
      const head = kvHead * group;
      const offset = word(entryWords.partialOffset) + kvHead * headFloats;
      kernel.merge({
        partial: rowsTogether(partial, offset, group, partialFloats(valueDim), queries),
        ranges,
        queries,
        group,
        valueDim,
        output: entryFrom(output, word(entryWords.outputOffset), head),
        logSumExp: logSumExp && entryFrom(logSumExp, word(entryWords.logSumExpOffset), head),
        headScale: headScale && from(headScale, { head }),
      });
    }
  };
}
