// Attention on the device: a dispatch that attends, and others after it where more than its output is asked for. Where a
// binding doesn't hold an operand, all of them are cut.
import type { AttentionWork } from '../../../../src/core/protocol/attention-work.js';
import { formFor, needsOf, type AttendForm } from '../attend/form.js';
import type { AttentionGiven } from '../attend/given.js';
import { planAttend } from '../attend/plan.js';
import { statisticsOfRow } from '../attend/row-statistics.js';
import type { Program, ProgramContext, ReadBack, Scratch } from '../dispatch.js';
import { cutAttention } from './attend-cut.js';
import {
  attendDispatch,
  columnsDispatch,
  columnsOutputs,
  statisticsDispatch,
  type Attended,
  type Operands,
} from './attend-dispatches.js';
import { givenOf } from './attention-given.js';
import { BindingLimit } from './binding-limit.js';
import { allRuns, readLogSumExp, readRowStatistics } from './read-rows.js';

export function attendProgram(
  work: AttentionWork,
  units: Int32Array,
  [entries]: readonly Float64Array[],
  context: ProgramContext,
): Program {
  const given = givenOf(work, units, entries!, context);
  const form: AttendForm = {
    ...formFor(context.limits, work.headDim, work.valueDim),
    ...needsOf(given),
    carry: false,
  };
  const limit = new BindingLimit(context.limits);
  const attended = attendWhole(work, form, given, limit) ?? cutAttention(work, form, given, limit);
  return {
    clears: work.deadHeads.length === 0 ? [] : [work.output.data],
    dispatches: attended.dispatches,
    readBacks: readBacksOf(work, given, attended, context),
  };
}

/** Undefined where a binding doesn't hold one of the operands. */
function attendWhole(
  work: AttentionWork,
  form: AttendForm,
  given: AttentionGiven,
  limit: BindingLimit,
): Attended | undefined {
  const plan = planAttend(form, given);
  const runs = allRuns(work, given.entries);
  const state: Scratch = { kind: 'scratch', byteLength: 4 * plan.memoryLength };
  const found: Scratch = { kind: 'scratch', byteLength: 4 * plan.table.stateRows * statisticsOfRow };
  const operands: Operands = { ...operandsOf(work), memory: state, rowState: state, statistics: found };
  const dispatches = [attendDispatch(form, plan, operands)];
  for (const output of columnsOutputs(work)) {
    dispatches.push(columnsDispatch(form, given, output, { ...operands, columns: output.data }));
  }
  if (work.statistics !== null) dispatches.push(statisticsDispatch(form, given, operands));
  if (!dispatches.every(({ bound }) => bound.every((operand) => limit.holds(operand)))) return undefined;
  return { dispatches, states: [{ from: state, runs }], statistics: [{ from: found, runs }] };
}

function operandsOf({ query, key, value, output, rules }: AttentionWork): Operands {
  return {
    query: query.data,
    key: key.data,
    value: value.data,
    output: output.data,
    ...(rules.bias && { bias: rules.bias.data }),
    ...(rules.mask && { mask: rules.mask.data }),
  };
}

function readBacksOf(
  work: AttentionWork,
  { entries }: AttentionGiven,
  { states, statistics }: Attended,
  context: ProgramContext,
): ReadBack[] {
  const { logSumExp, statistics: wanted } = work;
  return [
    ...(logSumExp === null ? [] : readLogSumExp(logSumExp, entries, states, context)),
    ...(wanted === null ? [] : readRowStatistics(work, wanted, entries, statistics, context)),
  ];
}
