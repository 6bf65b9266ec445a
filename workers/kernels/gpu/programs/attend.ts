// Attention on the device: a dispatch that attends, and others after it where more than its output is asked for.
import type { AttentionWork } from '../../../../src/core/protocol/attention-work.js';
import { attendBindings, attendShader } from '../attend/attend.js';
import { formFor, needsOf, type AttendForm } from '../attend/form.js';
import type { AttentionGiven } from '../attend/given.js';
import { inspectBindings, inspectShader, type Inspected, type InspectForm } from '../attend/inspect.js';
import { groupsOf, planAttend, planInspect, type ColumnsPlace, type InspectPlan } from '../attend/plan.js';
import type { AttentionTable } from '../attend/table.js';
import { rowStatisticsBindings, rowStatisticsShader, statisticsOfRow } from '../attend/row-statistics.js';
import type { Bound, Dispatch, Program, ProgramContext, Scratch } from '../dispatch.js';
import type { Shader } from '../shader.js';
import { givenOf } from './attention-given.js';
import { readLogSumExp, readRowStatistics } from './read-rows.js';
import { wordsTable } from './table.js';

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
  const plan = planAttend(form, given);
  const state: Scratch = { kind: 'scratch', byteLength: 4 * plan.memoryLength };
  const statistics: Scratch = { kind: 'scratch', byteLength: 4 * plan.table.stateRows * statisticsOfRow };
  const operands = { ...operandsOf(work), memory: state, rowState: state, statistics };
  const { logSumExp, statistics: wanted } = work;
  return {
    clears: work.deadHeads.length === 0 ? [] : [work.output.data],
    dispatches: [
      {
        shader: attendShader(form),
        uniform: plan.uniform(),
        bound: bind(attendBindings(form), operands, plan.table),
        groups: groupsOf(plan.table.tiles),
      },
      ...inspections(work, form, given, operands),
    ],
    readBacks: [
      ...(logSumExp === null ? [] : [readLogSumExp(work, logSumExp, given.entries, state, context)]),
      ...(wanted === null ? [] : [readRowStatistics(work, wanted, given.entries, statistics, context)]),
    ],
  };
}

/** By the names that shaders have for them. */
type Operands = Readonly<Partial<Record<string, Bound>>>;

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

/** What a call hasn't is the table once more, and not read. */
function bind(
  wanted: readonly { readonly name: string }[],
  operands: Operands,
  { words }: Pick<AttentionTable, 'words'>,
): Bound[] {
  const table = wordsTable(words);
  const known: Operands = { bias: table, mask: table, ...operands, table };
  return wanted.map(({ name }) => {
    const operand = known[name];
    if (operand === undefined) throw new TypeError(`Expected an operand ${name}`);
    return operand;
  });
}

/** The second passes: what is written for every key, and statistics of rows. */
function inspections(
  work: AttentionWork,
  form: AttendForm,
  given: AttentionGiven,
  operands: Operands,
): Dispatch[] {
  const { weights, scores, statistics } = work;
  const inspect = (writes: Inspected, to: ColumnsPlace, columns: Bound): Dispatch => {
    const ofColumns: InspectForm = { ...form, writes };
    const plan = planInspect(form, given, to);
    return dispatchOf(inspectShader(ofColumns), plan, inspectBindings(ofColumns), { ...operands, columns });
  };
  const dispatches: Dispatch[] = [];
  if (weights !== null) {
    const writes = weights.isAdded ? 'addedWeights' : 'weights';
    dispatches.push(inspect(writes, { ...weights, stage: 'biased' }, weights.data));
  }
  if (scores !== null) {
    dispatches.push(inspect('scores', { ...scores, share: 1, isAdded: false }, scores.data));
  }
  if (statistics !== null) {
    const plan = planInspect(form, given, null);
    dispatches.push(dispatchOf(rowStatisticsShader(form), plan, rowStatisticsBindings(form), operands));
  }
  return dispatches;
}

function dispatchOf(
  shader: Shader,
  { table, uniform }: InspectPlan,
  wanted: readonly { readonly name: string }[],
  operands: Operands,
): Dispatch {
  return {
    shader,
    uniform,
    bound: bind(wanted, operands, table),
    groups: groupsOf(table.tiles),
  };
}
