// Attention on the device: a dispatch that attends, and others after it where more than its output is asked for.
import type { AttentionWork } from '../../../../src/core/protocol/attention-work.js';
import { canUseVectors } from '../attend/alignment.js';
import { attendBindings, attendShader } from '../attend/attend.js';
import { formFor, ruleFormOf, type AttendForm } from '../attend/form.js';
import type { AttentionGiven } from '../attend/given.js';
import { inspectBindings, inspectShader, type InspectForm } from '../attend/inspect.js';
import { groupsOf, planAttend, planInspect, type InspectPlan } from '../attend/plan.js';
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
    ...ruleFormOf(work, canUseVectors(given)),
    sinks: work.rules.sinks !== null,
    headScale: work.rules.headScale !== null,
    state: needsState(work),
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
        bound: bind(attendBindings(form), { ...operands, table: wordsTable(plan.table.words) }),
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

function bind(wanted: readonly { readonly name: string }[], operands: Operands): Bound[] {
  return wanted.map(({ name }) => {
    const operand = operands[name];
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
  const inspect = (form: InspectForm, to: NonNullable<Parameters<typeof planInspect>[2]>, columns: Bound) =>
    dispatchOf(inspectShader(form), planInspect(form, given, to), inspectBindings(form), {
      ...operands,
      columns,
    });
  const dispatches: Dispatch[] = [];
  if (weights !== null) {
    const writes = weights.isAdded ? 'addedWeights' : 'weights';
    dispatches.push(inspect({ ...form, writes, stage: 'biased' }, weights, weights.data));
  }
  if (scores !== null) {
    const { stage, data } = scores;
    dispatches.push(
      inspect({ ...form, writes: 'scores', stage }, { ...scores, share: 1, isAdded: false }, data),
    );
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
    bound: bind(wanted, { ...operands, table: wordsTable(table.words) }),
    groups: groupsOf(table.tiles),
  };
}

function needsState({ logSumExp, weights, scores, statistics }: AttentionWork): boolean {
  return logSumExp !== null || weights !== null || scores !== null || statistics !== null;
}
