// What the units of each phase do: turns a row of a phase's table into the operands of one kernel operation.
import type { RegionViews } from '../src/core/tensor/region.js';
import { appendUnits } from './phases/append.js';
import { attendUnits } from './phases/attend.js';
import { contributeUnits, gramUnits } from './phases/contribute.js';
import { decodeUnits } from './phases/decode.js';
import { gatherUnits } from './phases/gather.js';
import { mergeUnits } from './phases/merge.js';
import { rotateUnits } from './phases/rotate.js';
import { packUnits, projectUnits } from './phases/project.js';
import type { Kernel } from './kernels/kernel.js';
import type { UnitRunner } from '../src/core/protocol/tables.js';
import type { Work } from '../src/core/protocol/work.js';

/** Opens a phase's buffers once, for all the units that this worker takes. */
export function openPhase(
  work: Work,
  entries: readonly Float64Array[],
  views: RegionViews,
  kernel: Kernel,
): UnitRunner {
  switch (work.kind) {
    case 'pack':
      return packUnits(work, views, kernel);
    case 'project':
      return projectUnits(work, views, kernel);
    case 'gather':
      return gatherUnits(work, entries, views);
    case 'rotate':
      return rotateUnits(work, entries, views);
    case 'append':
      return appendUnits(work, entries, views);
    case 'attend':
      return attendUnits(work, entries, views, kernel);
    case 'decode':
      return decodeUnits(work, entries, views, kernel);
    case 'merge':
      return mergeUnits(work, entries, views, kernel);
    case 'gram':
      return gramUnits(work, views);
    case 'contribute':
      return contributeUnits(work, entries, views, kernel);
    case 'peak':
      return ([rounds]) => {
        kernel.multiplyAdd(rounds!);
      };
    case 'read': {
      const data = views.floats(work.region);
      return ([offset, length]) => {
        kernel.read({ data, offset: offset! }, length!);
      };
    }
    default:
      return work satisfies never;
  }
}
