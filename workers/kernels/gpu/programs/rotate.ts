// Heads turned and normalised in place: one dispatch for each side, or head after head in runs of rows where a binding
// doesn't hold them.
import type { RotateWork } from '../../../../src/core/protocol/head-work.js';
import type { Bound, Dispatch, Program, ProgramContext } from '../dispatch.js';
import { rotateForm, rotateGroups, rotateShader, rotateUniform } from '../rotate.js';
import { rotatedRows, type RotatedRows } from '../turn-table.js';
import { BindingLimit } from './binding-limit.js';
import { runsOfRows } from './row-runs.js';
import { wordsTable } from './table.js';

type Side = 'query' | 'key';

export function rotateProgram(
  work: RotateWork,
  units: Int32Array,
  [entries]: readonly Float64Array[],
  { views, limits }: ProgramContext,
): Program {
  const limit = new BindingLimit(limits);
  const dispatches = (['query', 'key'] as const).flatMap((side): Dispatch[] => {
    const { layout, positions } = work[side];
    const opened = positions && views.doubles(positions);
    const turned = rotatedRows(
      { which: side, layout, positions: opened, rotary: work.rotary },
      units,
      entries!,
    );
    if (turned.rows.length === 0) return [];
    const angles = wordsTable(turned.angles);
    const whole = dispatchOf(work, side, turned, angles, layout.data);
    return whole.bound.every((bound) => limit.holds(bound))
      ? [whole]
      : cut(work, side, turned, angles, limit);
  });
  return { dispatches };
}

/** Runs of rows share the angles. */
function cut(
  work: RotateWork,
  side: Side,
  turned: RotatedRows,
  angles: Bound,
  limit: BindingLimit,
): Dispatch[] {
  const { layout, heads, norm } = work[side];
  limit.require({ 'angles of positions': angles, ...(norm && { 'weights of the norm': norm }) });
  const operands = [{ name: side, of: layout.data, headStride: layout.headStride, width: work.headDim }];
  const ofHead: RotateWork = { ...work, [side]: { ...work[side], heads: 1 } };
  return runsOfRows({ table: turned.rows, rowWords: 2, operands, heads }, limit).map(({ table, bound }) =>
    dispatchOf(ofHead, side, { ...turned, rows: table }, angles, bound[0]!),
  );
}

function dispatchOf(
  work: RotateWork,
  side: Side,
  turned: RotatedRows,
  angles: Bound,
  heads: Bound,
): Dispatch {
  const { norm } = work[side];
  const form = rotateForm(work, side);
  return {
    shader: rotateShader(form),
    uniform: rotateUniform(work, side, turned),
    bound: [
      wordsTable(turned.rows),
      ...(norm === null ? [] : [norm]),
      ...(form.turn === null ? [] : [angles]),
      heads,
    ],
    groups: rotateGroups(work, side, turned),
  };
}
