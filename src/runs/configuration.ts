// What an output says about its making: nothing in it depends on the machine's load or the number of threads.
import type { AttentionOptions } from '../attention/options.js';
import { defaultOf, settingRows, valueAt } from '../attention/option-rows.js';
import type { MultiHeadAttention } from '../engine/multi-head-attention.js';
import type { RunRequest } from './request.js';

export type LayerHeads = Pick<MultiHeadAttention, 'heads' | 'kvHeads' | 'headDim'>;

/** The options in one order, however they were given: causal and scale always, the others where they are given. */
export function configurationOf(
  { options, weights }: Pick<RunRequest, 'options' | 'weights'>,
  { heads, kvHeads, headDim }: LayerHeads,
): object {
  const { causal, scale, ...others } = recordOf(options, headDim);
  const addZeroAttention = weights.addZeroAttention === true ? true : undefined;
  // The numbers of the norm count among the weights.
  const qkNorm = options.qkNorm && { epsilon: options.qkNorm.epsilon };
  const configuration = { heads, kvHeads, headDim, causal, scale, addZeroAttention, ...others, qkNorm };
  // As a manifest gives it back: without what is undefined.
  return JSON.parse(JSON.stringify(configuration)) as object;
}

/** Each option, and each field of one that is given, or what holds without it. */
function recordOf(options: AttentionOptions, headDim: number): Readonly<Record<string, unknown>> {
  const record: Record<string, unknown> = {};
  for (const row of settingRows) {
    const { kind, name, field } = row;
    const given = valueAt(options, row);
    const isList = kind === 'numbers a head' && given !== undefined;
    const value = isList ? Array.from(given as ArrayLike<number>) : (given ?? defaultOf(row, headDim));
    if (field === undefined) record[name] = value;
    else if (options[name] !== undefined)
      record[name] = { ...(record[name] as object | undefined), [field]: value };
  }
  return record;
}
