// Weights for the device: packed by the host, once, and stored there until their layer is disposed.
import type { GramWork, PackWork } from '../../../../src/core/protocol/layer-work.js';
import { regionOf } from '../../../../src/core/tensor/region.js';
import { gramUnits } from '../../../phases/contribute.js';
import type { Program, ProgramContext } from '../dispatch.js';
import { packPanels } from '../panels.js';

/** What an earlier phase has stored is no weight but a matrix a head, which the device reads as it is. */
export function packProgram({ linears }: PackWork, { views, stored }: ProgramContext): Program {
  const stores = linears.map(({ weight, bias, depth, target }) => {
    const { columns, segmentColumns, region } = target;
    if (weight.buffer === null) return { to: region, numbers: stored(weight) };
    const numbers = new Float32Array(region.byteLength / 4);
    packPanels({ columns, segmentColumns, depth }, views.floats(weight), bias && views.floats(bias), numbers);
    return { to: region, numbers };
  });
  return { dispatches: [], stores };
}

export function gramProgram(work: GramWork, { views }: ProgramContext): Program {
  const numbers = new Float32Array(new SharedArrayBuffer(work.to.byteLength));
  const run = gramUnits({ ...work, to: regionOf(numbers) }, views);
  for (let head = 0; head < work.heads; head++) run(Int32Array.of(head));
  return { dispatches: [], stores: [{ to: work.to, numbers }] };
}
