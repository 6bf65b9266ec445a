// Weights for the device: packed by the host, once, and stored there until their layer is disposed.
import type { GramWork, PackWork } from '../../../../src/core/protocol/layer-work.js';
import { gramOf } from '../../gram.js';
import type { Program, ProgramContext } from '../dispatch.js';
import { packPanels } from '../panels.js';

/** What an earlier phase has made is no weight but a matrix a head, which the device reads as it is. */
export function packProgram({ linears }: PackWork, { views, made }: ProgramContext): Program {
  const stores = linears.map(({ weight, bias, depth, target }) => {
    const { columns, segmentColumns, region } = target;
    if (weight.buffer === null) return { to: region, numbers: made(weight) };
    const numbers = new Float32Array(region.byteLength / 4);
    packPanels({ columns, segmentColumns, depth }, views.floats(weight), bias && views.floats(bias), numbers);
    return { to: region, numbers };
  });
  return { dispatches: [], stores };
}

export function gramProgram(
  { weight, rows, heads, valueDim, to }: GramWork,
  { views }: ProgramContext,
): Program {
  const numbers = new Float32Array(to.byteLength / 4);
  const matrix = views.floats(weight);
  for (let head = 0; head < heads; head++) {
    const columns = { rows, width: heads * valueDim, start: head * valueDim, columns: valueDim };
    numbers.set(gramOf(matrix, columns), head * valueDim * valueDim);
  }
  return { dispatches: [], makes: [{ to, numbers }] };
}
