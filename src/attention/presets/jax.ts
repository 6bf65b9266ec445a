// Options of `jax.nn.dot_product_attention`.
import { expected } from '../../core/errors.js';
import type { TensorLike } from '../../core/tensor/tensor.js';
import type { AttentionOptions } from '../options.js';
import { shareFloats, shareMask, type MaskLike } from '../share-operands.js';
import {
  bandOptions,
  checkGiven,
  readCount,
  readFlag,
  readIntegers,
  readScale,
  refuse,
} from './read-foreign-options.js';
import { combine, queryMask, type Masks } from './masks.js';

/** null = None. */
export interface JaxOptions {
  /** Added to the scaled logits; broadcast from the right to [batch, heads, queries, keys]. */
  readonly bias?: TensorLike | null;
  /** Booleans, true = attend; broadcast alike. */
  readonly mask?: MaskLike | null;
  readonly scale?: number | null;
  /** From the top left corner, whatever the lengths. */
  readonly is_causal?: boolean;
  /** Valid queries of each batch entry; the output of the rest is 0. */
  readonly query_seq_lengths?: ArrayLike<number> | null;
  /** Valid keys of each batch entry. */
  readonly key_value_seq_lengths?: ArrayLike<number> | null;
  /** Inclusive distances [left, right] from the same diagonal, or one for both. */
  readonly local_window_size?: number | readonly [left: number, right: number] | null;
  /** Without effect. */
  readonly implementation?: 'xla' | 'cudnn' | null;
  readonly return_residual?: boolean;
}

/** Tokens of the call. */
export interface JaxTokens {
  /** Needed beside `query_seq_lengths`. */
  readonly queries?: number;
}

const names = [
  'bias',
  'mask',
  'scale',
  'is_causal',
  'query_seq_lengths',
  'key_value_seq_lengths',
  'local_window_size',
  'implementation',
  'return_residual',
] as const satisfies readonly (keyof JaxOptions)[];

const implementations: readonly JaxOptions['implementation'][] = ['xla', 'cudnn', null];

/**
 * The options of an attention that computes what `jax.nn.dot_product_attention` does with these. Its
 * [batch, tokens, heads, headDim] is [batch, tokens, heads · headDim] here, with `heads` and `kvHeads`.
 * @param tokens how many queries there are, where `query_seq_lengths` is given
 * @throws UNKNOWN_OPTION, INVALID_OPTION, INVALID_SHAPE, by JAX's names
 */
export function jax(options: JaxOptions = {}, tokens: JaxTokens = {}): AttentionOptions {
  checkGiven('jax', options, names);
  checkGiven('jax', tokens, ['queries']);
  const { bias, mask, implementation = null, key_value_seq_lengths: keyLengths } = options;
  if (!implementations.includes(implementation)) {
    throw expected('INVALID_OPTION', "'xla', 'cudnn' or null", 'implementation', implementation);
  }
  if (readFlag('return_residual', options.return_residual)) {
    throw refuse('return_residual', true, 'ask for `returnLogSumExp` beside the preset');
  }
  const masks: Masks = {
    ...(mask !== undefined && mask !== null && { mask: shareMask('mask', mask) }),
    ...(bias !== undefined && bias !== null && { bias: shareFloats('bias', bias) }),
  };
  const [left, right] = readWindow(options.local_window_size);
  return {
    ...combine(masks, readQueryLengths(options, tokens)),
    ...bandOptions('top-left', { isCausal: readFlag('is_causal', options.is_causal), left, right }),
    ...(keyLengths !== undefined &&
      keyLengths !== null && { keyLengths: readIntegers('key_value_seq_lengths', keyLengths) }),
    ...readScale('scale', options.scale),
  };
}

function readQueryLengths({ query_seq_lengths: lengths }: JaxOptions, { queries }: JaxTokens): Masks {
  if (lengths === undefined || lengths === null) return {};
  const count = readCount('tokens.queries', queries, '`query_seq_lengths` needs it');
  return queryMask(readIntegers('query_seq_lengths', lengths), count);
}

function readWindow(
  given: JaxOptions['local_window_size'],
): readonly [left: number | undefined, right: number | undefined] {
  if (given === undefined || given === null) return [undefined, undefined];
  const pair: readonly unknown[] = Array.isArray(given) ? given : [given, given];
  if (pair.length !== 2 || !pair.every((bound) => Number.isInteger(bound) && (bound as number) >= 0)) {
    throw expected('INVALID_OPTION', 'an integer >= 0 or a pair of them', 'local_window_size', given);
  }
  const [left, right] = pair as readonly [number, number];
  return [left, right];
}
