// The work on heads around attention: copies of them, and what turns and normalises them in place.
import type { GatherWork, RotateWork } from '../../../../src/core/protocol/head-work.js';
import type { Dispatch, Program, ProgramContext } from '../dispatch.js';
import { gatheredRows, gatherGroups, gatherShader, gatherUniform, gatherWidth } from '../gather.js';
import { rotatedRows } from '../turn-table.js';
import { rotateForm, rotateGroups, rotateShader, rotateUniform } from '../rotate.js';
import { wordsTable } from './table.js';

export function gatherProgram({ copies }: GatherWork, entries: readonly Float64Array[]): Program {
  const [from, to] = entries as [Float64Array, Float64Array];
  const dispatches = copies.flatMap((copy): Dispatch[] => {
    const rows = gatheredRows(copy, [from, to]);
    if (rows.length === 0) return [];
    const width = gatherWidth(copy, rows);
    return [
      {
        shader: gatherShader(width),
        uniform: gatherUniform(width, copy, rows),
        bound: [wordsTable(rows), copy.from.data, copy.to.data],
        groups: gatherGroups(width, copy, rows),
      },
    ];
  });
  return { dispatches };
}

export function rotateProgram(
  work: RotateWork,
  units: Int32Array,
  [entries]: readonly Float64Array[],
  { views }: ProgramContext,
): Program {
  const dispatches = (['query', 'key'] as const).flatMap((side): Dispatch[] => {
    const { layout, positions, norm } = work[side];
    const opened = positions && views.doubles(positions);
    const turned = rotatedRows(
      { which: side, layout, positions: opened, rotary: work.rotary },
      units,
      entries!,
    );
    if (turned.rows.length === 0) return [];
    const form = rotateForm(work, side);
    return [
      {
        shader: rotateShader(form),
        uniform: rotateUniform(work, side, turned),
        bound: [
          wordsTable(turned.rows),
          ...(norm === null ? [] : [norm]),
          ...(form.turn === null ? [] : [wordsTable(turned.angles)]),
          layout.data,
        ],
        groups: rotateGroups(work, side, turned),
      },
    ];
  });
  return { dispatches };
}
