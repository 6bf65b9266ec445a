// Attention on the device: one dispatch that attends, and a second one where more than its output is asked for.
import type { AttentionWork } from '../../../../src/core/protocol/attention-work.js';
import type { ScoreRules } from '../../../../src/core/protocol/score-rules.js';
import type { Strided } from '../../../../src/core/protocol/strided.js';
import { entryWords, unitWords } from '../../../../src/core/protocol/tables.js';
import type { Region } from '../../../../src/core/tensor/region.js';
import { attendShader } from '../attend/attend.js';
import { formFor, ruleFormOf, type AttendForm } from '../attend/form.js';
import type { AttentionGiven } from '../attend/given.js';
import { groupsOf, planAttend } from '../attend/plan.js';
import type { Bound, Program, ProgramContext, Scratch } from '../dispatch.js';
import { wordsTable } from './table.js';

export function attendProgram(
  work: AttentionWork,
  units: Int32Array,
  [entries]: readonly Float64Array[],
  context: ProgramContext,
): Program {
  const given = givenOf(work, onlyThoseOf(units, entries!), context);
  const form: AttendForm = {
    ...formFor(context.limits, work.headDim, work.valueDim),
    ...ruleFormOf(work, isInVectors(given)),
    sinks: work.rules.sinks !== null,
    headScale: work.rules.headScale !== null,
    state: needsState(work),
    carry: false,
  };
  const plan = planAttend(form, given);
  const { rules } = work;
  const state: Scratch = { kind: 'scratch', byteLength: 4 * plan.memoryLength };
  const table = wordsTable(plan.table.words);
  const scored: Bound[] = [
    work.query.data,
    work.key.data,
    table,
    ...(rules.bias === null ? [] : [rules.bias.data]),
    ...(rules.mask === null ? [] : [rules.mask.data]),
  ];
  return {
    clears: work.deadHeads.length === 0 ? [] : [work.output.data],
    dispatches: [
      {
        shader: attendShader(form),
        uniform: plan.uniform(),
        bound: [...scored, work.value.data, work.output.data, ...(form.state ? [state] : [])],
        groups: groupsOf(plan.table.tiles),
      },
    ],
  };
}

function needsState({ logSumExp, weights, scores, statistics }: AttentionWork): boolean {
  return logSumExp !== null || weights !== null || scores !== null || statistics !== null;
}

/** The entries of the units; the others are left with no queries. */
function onlyThoseOf(units: Int32Array, entries: Float64Array): Float64Array {
  const asked = new Set<number>();
  for (let at = 0; at < units.length; at += unitWords) asked.add(units[at]!);
  const only = entries.slice();
  for (let entry = 0; entry < entries.length / entryWords.count; entry++) {
    if (!asked.has(entry)) only[entry * entryWords.count + entryWords.queries] = 0;
  }
  return only;
}

function givenOf(work: AttentionWork, entries: Float64Array, { views }: ProgramContext): AttentionGiven {
  const { heads, kvHeads, headDim, valueDim, deadHeads, query, key, value, output, rules, extra } = work;
  const ofHeads = (operand: ScoreRules['sinks']): Float32Array | null =>
    operand && numbersOf(views.floats(operand.data), operand, heads, 1);
  return {
    heads,
    kvHeads,
    headDim,
    valueDim,
    entries,
    deadHeads,
    query,
    key,
    value,
    output,
    rules,
    bias: rules.bias,
    mask: rules.mask,
    alibiSlopes: ofHeads(rules.alibiSlopes),
    sinks: ofHeads(rules.sinks),
    headScale: ofHeads(rules.headScale),
    extra: extra && {
      keys: numbersOf(views.floats(extra.key.data), extra.key, kvHeads, extra.count * headDim),
      values: numbersOf(views.floats(extra.value.data), extra.value, kvHeads, extra.count * valueDim),
    },
  };
}

/** `length` numbers of each head, head after head. */
function numbersOf(
  data: Float32Array,
  { offset, headStride }: Strided<Region>,
  heads: number,
  length: number,
) {
  const numbers = new Float32Array(heads * length);
  for (let head = 0; head < heads; head++) {
    const start = offset + head * headStride;
    numbers.set(data.subarray(start, start + length), head * length);
  }
  return numbers;
}

/** Whether heads begin and end at whole vectors of 4. */
function isInVectors({ headDim, valueDim, query, key, value, output, entries }: AttentionGiven): boolean {
  const { queryOffset, keyOffset, valueOffset, outputOffset } = entryWords;
  const numbers = [headDim, valueDim];
  for (const { offset, headStride, rowStride } of [query, key, value, output]) {
    numbers.push(offset, headStride, rowStride);
  }
  for (let at = 0; at < entries.length; at += entryWords.count) {
    for (const word of [queryOffset, keyOffset, valueOffset, outputOffset]) numbers.push(entries[at + word]!);
  }
  return numbers.every((number) => number % 4 === 0);
}
