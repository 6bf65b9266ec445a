// The dispatches of an attention, whole or in pieces: what each binds, by the names that shaders have for it.
import type { AttentionWork } from '../../../../src/core/protocol/attention-work.js';
import { attendBindings, attendShader } from '../attend/attend.js';
import type { AttendForm } from '../attend/form.js';
import type { AttentionGiven } from '../attend/given.js';
import { inspectBindings, inspectShader, type Inspected, type InspectForm } from '../attend/inspect.js';
import {
  groupsOf,
  planInspect,
  type AttendPlan,
  type ColumnsPlace,
  type InspectPlan,
  type KeyRange,
} from '../attend/plan.js';
import { rowStatisticsBindings, rowStatisticsShader } from '../attend/row-statistics.js';
import type { AttentionTable } from '../attend/table.js';
import type { Bound, Dispatch } from '../dispatch.js';
import type { Region } from '../../../../src/core/tensor/region.js';
import type { Shader } from '../shader.js';
import type { RowNumbers } from './read-rows.js';
import { wordsTable } from './table.js';

/** The dispatches of an attention, and where they leave what the host reads of each row. */
export interface Attended {
  readonly dispatches: readonly Dispatch[];
  readonly states: readonly RowNumbers[];
  readonly statistics: readonly RowNumbers[];
}

export type Operands = Readonly<Partial<Record<string, Bound>>>;

/** What second passes write for every key. */
export interface ColumnsOutput {
  readonly name: 'weights' | 'scores';
  readonly writes: Inspected;
  readonly data: Region;
  readonly place: ColumnsPlace;
}

export function columnsOutputs({ weights, scores }: AttentionWork): ColumnsOutput[] {
  const outputs: ColumnsOutput[] = [];
  if (weights !== null) {
    const writes = weights.isAdded ? 'addedWeights' : 'weights';
    outputs.push({ name: 'weights', writes, data: weights.data, place: { ...weights, stage: 'biased' } });
  }
  if (scores !== null) {
    const place: ColumnsPlace = { ...scores, share: 1, isAdded: false };
    outputs.push({ name: 'scores', writes: 'scores', data: scores.data, place });
  }
  return outputs;
}

/** @param range all keys by default */
export function attendDispatch(
  form: AttendForm,
  plan: AttendPlan,
  operands: Operands,
  range?: KeyRange,
): Dispatch {
  return {
    shader: keptShader('attend', form, attendShader),
    uniform: plan.uniform(range),
    bound: bind(attendBindings(form), operands, plan.table),
    groups: groupsOf(plan.table.tiles),
  };
}

export function columnsDispatch(
  form: AttendForm,
  given: AttentionGiven,
  { writes, place }: Pick<ColumnsOutput, 'writes' | 'place'>,
  operands: Operands,
): Dispatch {
  const ofColumns: InspectForm = { ...form, writes };
  const plan = planInspect(form, given, place);
  return dispatchOf(
    keptShader('columns', ofColumns, inspectShader),
    plan,
    inspectBindings(ofColumns),
    operands,
  );
}

export function statisticsDispatch(form: AttendForm, given: AttentionGiven, operands: Operands): Dispatch {
  const plan = planInspect(form, given, null);
  return dispatchOf(
    keptShader('statistics', form, rowStatisticsShader),
    plan,
    rowStatisticsBindings(form),
    operands,
  );
}

/** Of few forms; a call that is cut has them in many dispatches, and a text takes longer to make than to find. */
const shaders = new Map<string, Shader>();

function keptShader<Form>(name: string, form: Form, make: (form: Form) => Shader): Shader {
  const key = `${name} ${JSON.stringify(form)}`;
  const shader = shaders.get(key) ?? make(form);
  shaders.set(key, shader);
  return shader;
}

function dispatchOf(
  shader: Shader,
  { table, uniform }: InspectPlan,
  wanted: readonly { readonly name: string }[],
  operands: Operands,
): Dispatch {
  return { shader, uniform, bound: bind(wanted, operands, table), groups: groupsOf(table.tiles) };
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
