// What attention on the device is told beside its buffers, from the work of a phase.
import type { AttentionWork } from '../../../../src/core/protocol/attention-work.js';
import type { ScoreRules } from '../../../../src/core/protocol/score-rules.js';
import type { Strided } from '../../../../src/core/protocol/strided.js';
import { entryWords, unitWords } from '../../../../src/core/protocol/tables.js';
import type { AttentionGiven } from '../attend/given.js';
import type { ProgramContext } from '../dispatch.js';

export function givenOf(
  work: AttentionWork,
  units: Int32Array,
  entries: Float64Array,
  { views }: ProgramContext,
): AttentionGiven {
  const { heads, kvHeads, headDim, valueDim, deadHeads, query, key, value, output, rules, extra } = work;
  const ofHeads = (operand: ScoreRules['sinks']): Float32Array | null =>
    operand && numbersOf(views.floats(operand.data), operand, heads, 1);
  return {
    heads,
    kvHeads,
    headDim,
    valueDim,
    entries: onlyThoseOf(units, entries),
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

/** `length` numbers of each head, head after head. */
function numbersOf(
  data: Float32Array,
  { offset, headStride }: Strided,
  heads: number,
  length: number,
): Float32Array {
  const numbers = new Float32Array(heads * length);
  for (let head = 0; head < heads; head++) {
    const start = offset + head * headStride;
    numbers.set(data.subarray(start, start + length), head * length);
  }
  return numbers;
}
