// Units of the attention phase: a block of queries of one sequence, for one or more key/value heads.
import type { RegionViews } from '../../src/tensor/region.js';
import type { Kernel } from '../kernels/kernel.js';
import type { AttendWork } from '../protocol.js';
import { openBlocks } from './attention-block.js';
import type { UnitRunner } from './unit.js';

export function attendUnits(
  work: AttendWork,
  [entries]: readonly Float64Array[],
  views: RegionViews,
  kernel: Kernel,
): UnitRunner {
  kernel.prepare(views.floats(work.output.region));
  const blockOf = openBlocks(work, entries!, views);
  return ([entry, firstHead, endHead, firstQuery, endQuery]) => {
    for (let kvHead = firstHead!; kvHead < endHead!; kvHead++) {
      kernel.attend(blockOf(entry!, kvHead, firstQuery!, endQuery!));
    }
  };
}
