// Units of the attention phase: a block of queries of one sequence, for one or more key/value heads.
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { Kernel } from '../kernels/kernel.js';
import type { AttendWork } from '../../src/core/protocol/attention-work.js';
import { openBlocks } from './attention-block.js';
import { openBlockStatistics } from './block-statistics.js';
import { clearDeadHeads, livingHeads } from './living-heads.js';
import type { UnitRunner } from '../../src/core/protocol/tables.js';

export function attendUnits(
  work: AttendWork,
  [entries]: readonly Float64Array[],
  views: RegionViews,
  kernel: Kernel,
): UnitRunner {
  kernel.prepare(views.floats(work.output.data));
  const blockOf = openBlocks(work, entries!, views);
  const statistics = work.statistics && openBlockStatistics(work.statistics, entries!, views);
  const { runs, dead } = livingHeads(work);

  return ([entry, firstKvHead, endKvHead, firstQuery, endQuery]) => {
    for (let kvHead = firstKvHead!; kvHead < endKvHead!; kvHead++) {
      for (const [firstHead, endHead] of runs[kvHead]!) {
        const range = {
          entry: entry!,
          firstHead,
          endHead,
          firstQuery: firstQuery!,
          endQuery: endQuery!,
        };
        const block = blockOf(range);
        if (statistics === null) kernel.attend(block);
        else statistics.attend(kernel, block, range);
      }
      if (dead[kvHead]!.length > 0) {
        const block = blockOf({
          entry: entry!,
          firstHead: 0,
          endHead: work.heads,
          firstQuery: firstQuery!,
          endQuery: endQuery!,
        });
        clearDeadHeads(block, dead[kvHead]!);
      }
    }
  };
}
