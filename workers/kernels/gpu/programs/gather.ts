// Copies of heads: one dispatch for each operand, or head after head in runs of rows where a binding doesn't hold it.
import type { GatherWork, HeadCopy } from '../../../../src/core/protocol/head-work.js';
import type { Bound, Dispatch, Program, ProgramContext } from '../dispatch.js';
import {
  gatheredRows,
  gatherGroups,
  gatherShader,
  gatherUniform,
  gatherWidth,
  type GatherWidth,
} from '../gather.js';
import { BindingLimit } from './binding-limit.js';
import { runsOfRows } from './row-runs.js';
import { wordsTable } from './table.js';

export function gatherProgram(
  { copies }: GatherWork,
  entries: readonly Float64Array[],
  { limits }: Pick<ProgramContext, 'limits'>,
): Program {
  const limit = new BindingLimit(limits);
  const [from, to] = entries as [Float64Array, Float64Array];
  const dispatches = copies.flatMap((copy): Dispatch[] => {
    const rows = gatheredRows(copy, [from, to]);
    if (rows.length === 0) return [];
    const width = gatherWidth(copy, rows);
    const whole = dispatchOf(copy, width, rows, [copy.from.data, copy.to.data]);
    return whole.bound.every((bound) => limit.holds(bound)) ? [whole] : cut(copy, width, rows, limit);
  });
  return { dispatches };
}

function cut(copy: HeadCopy, width: GatherWidth, rows: Uint32Array, limit: BindingLimit): Dispatch[] {
  const { operand, from, to, heads, dims } = copy;
  const operands = [from, to].map(({ data, headStride }) => ({
    name: operand,
    of: data,
    headStride,
    width: dims,
  }));
  const runs = runsOfRows({ table: rows, rowWords: operands.length, operands, heads }, limit);
  return runs.map(({ table, bound }) => dispatchOf({ ...copy, heads: 1 }, width, table, bound));
}

function dispatchOf(
  copy: HeadCopy,
  width: GatherWidth,
  rows: Uint32Array,
  bound: readonly Bound[],
): Dispatch {
  return {
    shader: gatherShader(width),
    uniform: gatherUniform(width, copy, rows),
    bound: [wordsTable(rows), ...bound],
    groups: gatherGroups(width, copy, rows),
  };
}
