// Options of `flash_attn_func` and `flash_attn_varlen_func` (FlashAttention 2, from 2.1 on).
import { expected } from '../../core/errors.js';
import { formatShape } from '../../core/tensor/shape.js';
import type { TensorLike } from '../../core/tensor/tensor.js';
import type { AttentionOptions } from '../options.js';
import { shareFloats } from '../share-operands.js';
import {
  bandOptions,
  checkGiven,
  readBound,
  readFlag,
  readIntegers,
  readScale,
  readSoftcap,
  refuse,
  refuseDropout,
} from './read-foreign-options.js';

/** null = None. */
export interface FlashAttentionOptions {
  /** From the bottom right corner. */
  readonly causal?: boolean;
  /** [left, right], inclusive, from the same diagonal; -1 = no bound. */
  readonly window_size?: readonly [left: number, right: number];
  readonly softmax_scale?: number | null;
  /** 0 = none. */
  readonly softcap?: number;
  /** [heads]. Slopes [batch, heads] have no counterpart. */
  readonly alibi_slopes?: ArrayLike<number> | TensorLike | null;
  readonly dropout_p?: number;
  /** Without effect: it is about the backward pass. */
  readonly deterministic?: boolean;
  readonly return_attn_probs?: boolean;
  /** The log-sum-exp of each row. */
  readonly return_softmax_lse?: boolean;
  /** Row offsets [batch + 1] of the sequences, of `flash_attn_varlen_func`. */
  readonly cu_seqlens_q?: ArrayLike<number>;
  readonly cu_seqlens_k?: ArrayLike<number>;
}

const names = [
  'causal',
  'window_size',
  'softmax_scale',
  'softcap',
  'alibi_slopes',
  'dropout_p',
  'deterministic',
  'return_attn_probs',
  'return_softmax_lse',
  'cu_seqlens_q',
  'cu_seqlens_k',
] as const satisfies readonly (keyof FlashAttentionOptions)[];

/**
 * The options of an attention that computes what `flash_attn_func` does with these. Its [batch, tokens, heads, headDim]
 * is [batch, tokens, heads · headDim] here, with `heads` and `kvHeads`.
 * @throws UNKNOWN_OPTION, INVALID_OPTION, by FlashAttention's names
 */
export function flashAttention(options: FlashAttentionOptions = {}): AttentionOptions {
  checkGiven('flashAttention', options, names);
  const { cu_seqlens_q: offsets, cu_seqlens_k: keyOffsets } = options;
  refuseDropout('dropout_p', options.dropout_p);
  readFlag('deterministic', options.deterministic);
  if (readFlag('return_attn_probs', options.return_attn_probs)) {
    throw refuse('return_attn_probs', true, 'ask for `returnWeights` or `returnLogSumExp` beside the preset');
  }
  const [left, right] = readWindow(options.window_size);
  const alibiSlopes = readSlopes(options.alibi_slopes);
  const isCausal = readFlag('causal', options.causal);
  return {
    ...bandOptions('bottom-right', { isCausal, left, right, hasSlopes: alibiSlopes !== undefined }),
    ...readScale('softmax_scale', options.softmax_scale),
    ...readSoftcap('softcap', options.softcap),
    ...(alibiSlopes && { alibiSlopes }),
    ...(offsets !== undefined && { offsets: readIntegers('cu_seqlens_q', offsets) }),
    ...(keyOffsets !== undefined && { keyOffsets: readIntegers('cu_seqlens_k', keyOffsets) }),
    ...(readFlag('return_softmax_lse', options.return_softmax_lse) && { returnLogSumExp: true }),
  };
}

function readWindow(
  given: readonly number[] = [-1, -1],
): readonly [left: number | undefined, right: number | undefined] {
  if (!Array.isArray(given) || given.length !== 2) {
    throw expected('INVALID_OPTION', 'a pair [left, right]', 'window_size', given);
  }
  const [left, right] = given as readonly number[];
  return [readBound('window_size[0]', left), readBound('window_size[1]', right)];
}

function readSlopes(given: FlashAttentionOptions['alibi_slopes']): number[] | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given !== 'object') throw expected('INVALID_OPTION', 'slopes [heads]', 'alibi_slopes', given);
  const isTensor = 'shape' in given;
  const slopes: unknown[] = isTensor ? [...shareFloats('alibi_slopes', given).data] : Array.from(given);
  if (isTensor ? given.shape.length > 1 : slopes.some((slope) => typeof slope === 'object')) {
    const value = isTensor ? formatShape(given.shape) : given;
    throw refuse('alibi_slopes', value, 'slopes are those of the heads, [heads], in every batch entry');
  }
  if (!slopes.every((slope) => typeof slope === 'number' && Number.isFinite(slope))) {
    throw expected('INVALID_OPTION', 'finite numbers [heads]', 'alibi_slopes', given);
  }
  return slopes as number[];
}
