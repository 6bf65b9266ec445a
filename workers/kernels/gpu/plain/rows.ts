// Programs of the phases around attention: products with packed weights, and heads that are copied.
import { panelColumns } from '../panels.js';
import { packedLength } from '../../../../src/core/protocol/layout.js';
import type { GatherWork } from '../../../../src/core/protocol/head-work.js';
import type { ProjectWork } from '../../../../src/core/protocol/layer-work.js';
import { entryFrom } from '../../../../src/core/protocol/strided.js';
import { entryWords, operandWords } from '../../../../src/core/protocol/tables.js';
import type { Dispatch, Program } from '../dispatch.js';
import { cut, matrix } from './place.js';
import { plainKernels } from './shaders.js';
import type { Placed } from './translate.js';

/** Rows of a dispatch: fewer than what devices take along y. */
const mostRows = 2 ** 18;

export function projectProgram({ products }: ProjectWork): Program {
  const { multiplyRows } = plainKernels();
  const dispatches = products.flatMap(({ rows, depth, outputs }) =>
    outputs.flatMap(({ panels, region, segmentStride, rowStride }) => {
      const { columns, segmentColumns } = panels;
      const segmentLength = packedLength(segmentColumns, depth, panelColumns);
      const whole = Math.floor(columns / segmentColumns);
      const parts = [
        { first: 0, segments: whole, columns: segmentColumns },
        { first: whole, segments: 1, columns: columns - whole * segmentColumns },
      ].filter((part) => part.segments * part.columns > 0);
      return parts.flatMap(({ first, segments, columns: width }) =>
        cut(rows.byteLength / 4 / depth, mostRows).map(({ first: row, count }): Dispatch => {
          const to: Placed = {
            data: region,
            offset: first * segmentStride + row * rowStride,
            headStride: segmentStride,
            rowStride,
            columnStride: 1,
          };
          return multiplyRows.dispatch([width, count, segments], to, {
            rows: matrix(rows, 0, depth, row * depth),
            panels: packedPanels(panels.region, segmentLength, depth, first),
            depth,
          });
        }),
      );
    }),
  );
  return { dispatches };
}

/** Element [segment][panel][4 · (1 + k) + column], biases before k = 0. */
function packedPanels(data: Placed['data'], segmentLength: number, depth: number, firstSegment = 0): Placed {
  return {
    data,
    offset: firstSegment * segmentLength,
    headStride: segmentLength,
    rowStride: panelColumns * (1 + depth),
    columnStride: 1,
  };
}

export function gatherProgram(
  { copies }: GatherWork,
  which: readonly number[],
  [entriesFrom, entriesTo]: readonly Float64Array[],
): Program {
  const { copyRows } = plainKernels();
  const dispatches: Dispatch[] = [];
  for (const entry of which) {
    const at = entry * entryWords.count;
    for (const { operand, from, to, heads, dims } of copies) {
      const { offset, tokens } = operandWords[operand];
      for (const { first, count } of cut(entriesFrom![at + tokens]!, mostRows)) {
        const rows = entryFrom(from, entriesFrom![at + offset]!, 0, first);
        const target = entryFrom(to, entriesTo![at + offset]!, 0, first);
        dispatches.push(copyRows.dispatch([dims, count, heads], target, { rows, factor: 1 }));
      }
    }
  }
  return { dispatches };
}
