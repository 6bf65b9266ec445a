// Attributes and inputs of the ONNX operator `Attention`, opsets 23 to 25.
import { expected } from '../../core/errors.js';
import type { AttentionInputs } from '../attention-call.js';
import type { AttentionOptions } from '../options.js';
import {
  bandOptions,
  checkGiven,
  readBound,
  readCount,
  readIntegers,
  readScale,
  readSoftcap,
  refuse,
} from './read-foreign-options.js';
import { bandMask, combine, padKeys, readMask, type BooleanOrFloatMask } from './masks.js';

/** Attributes and optional inputs under their ONNX names; an absent one is left out. */
export interface OnnxOptions {
  /** Booleans, true = attend, or floats to add; shorter than the keys, the rest is left out. */
  readonly attn_mask?: BooleanOrFloatMask;
  /** Valid keys of each batch entry. */
  readonly nonpad_kv_seqlen?: ArrayLike<number>;
  readonly is_causal?: 0 | 1 | boolean;
  /** Needed for Q, K and V of rank 3. */
  readonly q_num_heads?: number;
  readonly kv_num_heads?: number;
  /** Give it where the node has the output `qk_matmul_output`, 0 too; it becomes `result.scores`. */
  readonly qk_matmul_output_mode?: 0 | 1 | 2 | 3;
  readonly scale?: number;
  /** 0 = none. */
  readonly softcap?: number;
  /** A TensorProto data type; everything is computed in FLOAT (1), which is as wide as FLOAT16 (10) and BFLOAT16 (16). */
  readonly softmax_precision?: number;
  /** Opset 25; -1 = no bound. */
  readonly left_window_size?: number;
  readonly right_window_size?: number;
}

/** Tokens of the call, which the meaning of the mask and of the diagonal depends on. */
export interface OnnxTokens {
  readonly queries?: number;
  /** Past ones included: `k` and `v` are past_key and K, past_value and V, concatenated. */
  readonly keys?: number;
  /** Of past_key, where there is one. */
  readonly past?: number;
}

const names = [
  'attn_mask',
  'nonpad_kv_seqlen',
  'is_causal',
  'q_num_heads',
  'kv_num_heads',
  'qk_matmul_output_mode',
  'scale',
  'softcap',
  'softmax_precision',
  'left_window_size',
  'right_window_size',
] as const satisfies readonly (keyof OnnxOptions)[];

const tokenNames = ['queries', 'keys', 'past'] as const satisfies readonly (keyof OnnxTokens)[];

/** What `qk_matmul_output` holds, by mode, since ONNX 1.22 numbers them in the order of computation. */
const stages = ['scaled', 'softcapped', 'biased', 'probabilities'] as const;

/** TensorProto.FLOAT, FLOAT16, BFLOAT16. */
const precisions = [1, 10, 16];

/**
 * The options of an attention that computes what the operator `Attention` does with these.
 * @param tokens how many there are: `keys` for masks that may be shorter, all three where there is a past
 * @throws UNKNOWN_OPTION, INVALID_OPTION, INVALID_SHAPE, by ONNX's names
 */
export function onnx(
  options: OnnxOptions = {},
  tokens: OnnxTokens = {},
): AttentionOptions & Pick<AttentionInputs, 'heads' | 'kvHeads'> {
  checkGiven('onnx', options, names);
  checkGiven('onnx', tokens, tokenNames);
  const { q_num_heads: heads, kv_num_heads: kvHeads, nonpad_kv_seqlen: lengths } = options;
  const { softmax_precision: precision } = options;
  if (precision !== undefined && !precisions.includes(precision)) {
    throw refuse('softmax_precision', precision, 'everything is computed in FLOAT (1)');
  }
  return {
    ...(heads !== undefined && { heads }),
    ...(kvHeads !== undefined && { kvHeads }),
    ...readMasks(options, tokens),
    ...(lengths !== undefined && { keyLengths: readIntegers('nonpad_kv_seqlen', lengths) }),
    ...readScale('scale', options.scale),
    ...readSoftcap('softcap', options.softcap),
    ...readStage(options.qk_matmul_output_mode),
  };
}

function readStage(mode: OnnxOptions['qk_matmul_output_mode']): Pick<AttentionOptions, 'returnScores'> {
  if (mode === undefined) return {};
  // Not `stages[mode]`, which knows 'length' too.
  const stage = [0, 1, 2, 3].includes(mode) ? stages[mode] : undefined;
  if (stage === undefined) throw expected('INVALID_OPTION', '0, 1, 2 or 3', 'qk_matmul_output_mode', mode);
  return { returnScores: stage };
}

/**
 * The diagonal starts behind the past, or so that it ends at the last valid key of each entry, or else at key 0. A past
 * beside more or fewer new keys than queries starts it where no `alignment` does: there the band becomes a mask.
 */
function readMasks(
  options: OnnxOptions,
  { queries, keys, past }: OnnxTokens,
): Pick<AttentionOptions, 'mask' | 'bias' | 'causal' | 'alignment' | 'window'> {
  const given = readMask('attn_mask', options.attn_mask);
  const masks = keys === undefined ? given : padKeys(given, keys);
  const isCausal = readIsCausal(options.is_causal);
  const left = readBound('left_window_size', options.left_window_size);
  const right = readBound('right_window_size', options.right_window_size);
  const hasLengths = options.nonpad_kv_seqlen !== undefined;
  if (past === undefined) {
    return { ...masks, ...bandOptions(hasLengths ? 'bottom-right' : 'top-left', { isCausal, left, right }) };
  }
  if (hasLengths) {
    const what = 'none beside a past, which ONNX keeps apart,';
    throw expected('INVALID_OPTION', what, 'nonpad_kv_seqlen', options.nonpad_kv_seqlen);
  }
  if (!isCausal && left === undefined && right === undefined) return masks;
  const size = {
    queries: readCount('tokens.queries', queries, 'a past needs it'),
    keys: readCount('tokens.keys', keys, 'a past needs it'),
  };
  const offset = readCount('tokens.past', past, 'tokens of past_key');
  if (offset === size.keys - size.queries) {
    return { ...masks, ...bandOptions('bottom-right', { isCausal, left, right }) };
  }
  const most = Math.min(isCausal ? 0 : Infinity, right ?? Infinity);
  return combine(masks, bandMask(size, { offset, left: left ?? Infinity, right: most }));
}

function readIsCausal(value: number | boolean = 0): boolean {
  if (value === 0 || value === 1 || typeof value === 'boolean') return Boolean(value);
  throw expected('INVALID_OPTION', '0 or 1', 'is_causal', value);
}
