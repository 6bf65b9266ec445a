// A dispatch of attention: its table, how much it keeps between dispatches, and its uniform block.
import type { ScoreStage } from '../../../../src/core/protocol/score-rules.js';
import { nanBits } from '../scale.js';
import { carryLength } from './attend.js';
import { rowsOf, type AttendForm, type TileForm } from './form.js';
import type { AttentionGiven, Place } from './given.js';
import { fillParameters, type Parameters } from './parameters.js';
import { createTable, type AttentionTable } from './table.js';

/** Keys [first, end) of one of several dispatches, which follow one another; at multiples of the form's `tileKeys`. */
export interface KeyRange {
  readonly first: number;
  readonly end: number;
  readonly isLast: boolean;
}

export interface AttendPlan {
  readonly table: AttentionTable;
  /** Words of `memory`: (maximum, sum) of all rows, then what `carry` keeps. */
  readonly memoryLength: number;
  /** @param range all keys by default */
  uniform(range?: KeyRange): ArrayBuffer;
}

export function planAttend(form: AttendForm, given: AttentionGiven): AttendPlan {
  const table = createTable(given, rowsOf(form));
  const stateLength = 2 * table.stateRows;
  return {
    table,
    memoryLength: stateLength + (form.carry ? carryLength(form, table.tiles) : 0),
    uniform: ({ first, end, isLast } = { first: 0, end: mostPosition, isLast: true }) =>
      fillParameters({
        ...scoreParameters(given, table),
        firstKey: first,
        endKey: end,
        isFirst: first === 0 ? 1 : 0,
        isLast: isLast ? 1 : 0,
        stateAt: 0,
        carryAt: stateLength,
      }),
  };
}

/** A second pass: its table, and its uniform block. */
export interface InspectPlan {
  readonly table: AttentionTable;
  readonly uniform: ArrayBuffer;
}

/** What a second pass writes for every key, and where. */
export interface ColumnsPlace extends Place {
  readonly extraColumn: number;
  /** What weights are multiplied by. */
  readonly share: number;
  readonly isAdded: boolean;
  /** Of scores; weights are those after all rules. */
  readonly stage: ScoreStage;
}

/** @param to null for statistics of rows */
export function planInspect(form: TileForm, given: AttentionGiven, to: ColumnsPlace | null): InspectPlan {
  const stage = to?.stage ?? 'biased';
  const staged: AttentionGiven =
    stage === 'biased'
      ? given
      : {
          ...given,
          alibiSlopes: null,
          rules: { ...given.rules, softcap: stage === 'scaled' ? 0 : given.rules.softcap },
        };
  const table = createTable(staged, rowsOf(form), to?.isAdded);
  const isBiased = stage === 'biased' ? 1 : 0;
  const uniform = fillParameters({
    ...scoreParameters(staged, table),
    addsBias: isBiased,
    isOfAttended: isBiased,
    ...(to && { ...named('columns', to), extraColumn: to.extraColumn, share: to.share }),
  });
  return { table, uniform };
}

/** Positions and distances on the diagonal that 32-bit sums hold; no bound lies further away. */
const mostPosition = 2 ** 30;

/** What scores need of the uniform block. */
export function scoreParameters(given: AttentionGiven, table: AttentionTable): Partial<Parameters> {
  const { rules, query, key, value, output, bias, mask } = given;
  return {
    ...table.parameters,
    headDim: given.headDim,
    valueDim: given.valueDim,
    hasBias: bias === null ? 0 : 1,
    hasMask: mask === null ? 0 : 1,
    hasSinks: given.sinks === null ? 0 : 1,
    addsBias: 1,
    queryHead: query.headStride,
    queryRow: query.rowStride,
    keyHead: key.headStride,
    keyRow: key.rowStride,
    valueHead: value.headStride,
    valueRow: value.rowStride,
    outputHead: output.headStride,
    outputRow: output.rowStride,
    ...(bias && named('bias', bias)),
    ...(mask && named('mask', mask)),
    scale: rules.scale,
    softcap: rules.softcap,
    inverseSoftcap: rules.softcap === 0 ? 0 : 1 / Math.fround(rules.softcap),
    left: Math.min(rules.left, mostPosition),
    right: Math.min(rules.right, mostPosition),
    endKey: mostPosition,
    isFirst: 1,
    isLast: 1,
    heads: given.heads,
    group: given.heads / given.kvHeads,
    nan: nanBits,
    minusInfinity: 0xff800000,
  };
}

function named<Name extends 'bias' | 'mask' | 'columns'>(
  name: Name,
  { offset, entryStride, headStride, rowStride, columnStride }: Place,
): Record<`${Name}${'Offset' | 'Entry' | 'Head' | 'Row' | 'Column'}`, number> {
  return Object.fromEntries([
    [`${name}Offset`, offset],
    [`${name}Entry`, entryStride],
    [`${name}Head`, headStride],
    [`${name}Row`, rowStride],
    [`${name}Column`, columnStride],
  ]) as Record<`${Name}${'Offset' | 'Entry' | 'Head' | 'Row' | 'Column'}`, number>;
}

/** The numbers of workgroups of `tiles` tiles: counts over what a device takes are folded. */
export function groupsOf(tiles: number): readonly [number, number, number] {
  const most = 65_535;
  return [Math.min(tiles, most), Math.ceil(tiles / most), 1];
}
