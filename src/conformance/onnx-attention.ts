// The `Attention` operator of ONNX, opsets 23 to 25, by `presets.onnx`; what is left to do here is the past.
import type { AttentionInputs } from '../attention/attention-call.js';
import { presets, type OnnxOptions, type OnnxTokens } from '../attention/presets.js';
import type { CaseTensor, ConformanceCase, PreparedCase } from './case.js';
import { CaseReader } from './case-reader.js';
import { asMaskOrBias, asTensor, concatenateTokens, joinHeads, splitHeads } from './case-tensors.js';
import { givenOf, prepareAttention } from './prepare-attention.js';

export function prepareOnnxAttention(source: ConformanceCase): PreparedCase {
  const reader = new CaseReader(source);
  const query = reader.input('Q');
  const kvHeads = reader.integer('kv_num_heads', 1);
  const past = reader.optionalInput('past_key');
  const key = joinPast(reader.input('K'), past, kvHeads);
  const value = joinPast(reader.input('V'), reader.optionalInput('past_value'), kvHeads);
  const mask = reader.optionalInput('attn_mask', 'floats', 'booleans');
  const mode = reader.choice('qk_matmul_output_mode', [0, 1, 2, 3]);
  const options = givenOf<OnnxOptions>({
    attn_mask: mask && asMaskOrBias(mask),
    nonpad_kv_seqlen: reader.optionalInput('nonpad_kv_seqlen', 'integers')?.data,
    is_causal: reader.flag('is_causal'),
    q_num_heads: reader.integer('q_num_heads', 1),
    kv_num_heads: kvHeads,
    qk_matmul_output_mode: reader.wants('qk_matmul_output') ? mode : undefined,
    scale: reader.number('scale'),
    softcap: reader.number('softcap'),
    left_window_size: reader.integer('left_window_size', -1),
    right_window_size: reader.integer('right_window_size', -1),
  });
  // Not for the preset, which refuses DOUBLE; what cases compare, float32 gives.
  reader.number('softmax_precision');
  reader.finish();

  const [queries, keys] = [query.shape.at(-2), key.all.shape.at(-2)];
  const inputs: AttentionInputs = {
    ...{ q: asTensor(query), k: asTensor(key.all), v: asTensor(value.all) },
    ...presets.onnx(options, givenOf<OnnxTokens>({ queries, keys, past: past?.shape[2] })),
  };
  return prepareAttention(inputs, ({ output, scores }) => ({
    Y: output,
    qk_matmul_output: scores,
    present_key: key.present && asTensor(key.present),
    present_value: value.present && asTensor(value.present),
  }));
}

interface Operand {
  /** In the layout of the input. */
  readonly all: CaseTensor;
  /** Past and new [batch, heads, tokens, dims], where there is a past. */
  readonly present: CaseTensor | undefined;
}

function joinPast(added: CaseTensor, past: CaseTensor | undefined, kvHeads: number | undefined): Operand {
  if (past === undefined) return { all: added, present: undefined };
  if (added.shape.length === 4) {
    const present = concatenateTokens(past, added);
    return { all: present, present };
  }
  const present = concatenateTokens(past, splitHeads(added, kvHeads ?? past.shape[1]!));
  return { all: joinHeads(present), present };
}
