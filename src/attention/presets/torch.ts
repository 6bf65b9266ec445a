// Options of PyTorch: `scaled_dot_product_attention`, and the forward pass of `nn.MultiheadAttention`. The two mean
// opposite things by a boolean mask.
import { expected } from '../../core/errors.js';
import { unexpectedShape } from '../../core/tensor/shape.js';
import type { AttentionOptions } from '../options.js';
import { checkGiven, readFlag, readScale, refuse, refuseDropout } from './read-foreign-options.js';
import { combine, flip, readMask, reshape, type BooleanOrFloatMask, type Masks } from './masks.js';

/** Of `torch.nn.functional.scaled_dot_product_attention`; null = None. */
export interface TorchOptions {
  /** Booleans, true = attend, or floats to add; broadcast from the right to [batch, heads, queries, keys]. */
  readonly attn_mask?: BooleanOrFloatMask | null;
  readonly dropout_p?: number;
  /** From the top left corner, whatever the lengths; not beside `attn_mask`. */
  readonly is_causal?: boolean;
  readonly scale?: number | null;
  /** Without effect: fewer key/value heads are always shared among neighbouring query heads. */
  readonly enable_gqa?: boolean;
}

const torchNames = [
  'attn_mask',
  'dropout_p',
  'is_causal',
  'scale',
  'enable_gqa',
] as const satisfies readonly (keyof TorchOptions)[];

/**
 * The options of an attention that computes what `scaled_dot_product_attention` does with these.
 * @throws UNKNOWN_OPTION, INVALID_OPTION, INVALID_SHAPE, by PyTorch's names
 */
export function torch(options: TorchOptions = {}): AttentionOptions {
  checkGiven('torch', options, torchNames);
  const { attn_mask: mask, dropout_p: dropout, is_causal: causal, scale, enable_gqa: grouped } = options;
  refuseDropout('dropout_p', dropout);
  readFlag('enable_gqa', grouped);
  const isCausal = readFlag('is_causal', causal);
  const masks = readMask('attn_mask', mask);
  if (isCausal && mask !== undefined && mask !== null) {
    throw expected('INVALID_OPTION', 'none beside `is_causal: true`, as in PyTorch,', 'attn_mask', mask);
  }
  return { ...(isCausal && { causal: 'top-left' }), ...masks, ...readScale('scale', scale) };
}

/** Of the forward pass of `torch.nn.MultiheadAttention`, and of the module where a mask needs it; null = None. */
export interface TorchMultiheadOptions {
  /** [queries, keys] or [batch · num_heads, queries, keys]: booleans, true = ignore, or floats to add. */
  readonly attn_mask?: BooleanOrFloatMask | null;
  /** [batch, keys], or [keys] of one sequence: booleans, true = ignore, or floats to add. */
  readonly key_padding_mask?: BooleanOrFloatMask | null;
  /** A hint that `attn_mask` is causal, which must be there; the mask decides. */
  readonly is_causal?: boolean;
  /** Default true, as in PyTorch. */
  readonly need_weights?: boolean;
  /** Default true: the mean over the heads. */
  readonly average_attn_weights?: boolean;
  /** Of the module; to read an `attn_mask` of rank 3. */
  readonly num_heads?: number;
  /** Of the module; only `true` is the layout of a layer here. */
  readonly batch_first?: boolean;
  /** Of the module. */
  readonly dropout?: number;
}

const multiheadNames = [
  'attn_mask',
  'key_padding_mask',
  'is_causal',
  'need_weights',
  'average_attn_weights',
  'num_heads',
  'batch_first',
  'dropout',
] as const satisfies readonly (keyof TorchMultiheadOptions)[];

/**
 * The options of a layer's forward pass that computes what `nn.MultiheadAttention` does with these. The weights of the
 * module come by `weightsFromTorch`.
 * @throws UNKNOWN_OPTION, INVALID_OPTION, INVALID_SHAPE, by PyTorch's names
 */
export function torchMultihead(options: TorchMultiheadOptions = {}): AttentionOptions {
  checkGiven('torchMultihead', options, multiheadNames);
  refuseDropout('dropout', options.dropout);
  if (!readFlag('batch_first', options.batch_first, true)) {
    throw refuse('batch_first', false, 'layers take [batch, tokens, width], so transpose the inputs');
  }
  const attention = readAttentionMask(options);
  const padding = readPaddingMask(options);
  const isHinted = readFlag('is_causal', options.is_causal);
  if (isHinted && attention.mask === undefined && attention.bias === undefined) {
    const what = 'the causal mask that `is_causal` only hints at, as in PyTorch,';
    throw expected('INVALID_OPTION', what, 'attn_mask', options.attn_mask);
  }
  const isMean = readFlag('average_attn_weights', options.average_attn_weights, true);
  const needsWeights = readFlag('need_weights', options.need_weights, true);
  return { ...combine(attention, padding), ...(needsWeights && { returnWeights: isMean ? 'mean' : true }) };
}

function readAttentionMask({ attn_mask: given, num_heads: heads }: TorchMultiheadOptions): Masks {
  return reshape(flip(readMask('attn_mask', given)), (shape) => {
    const [first = 0, ...rest] = shape;
    if (shape.length === 2) return shape;
    if (shape.length !== 3) {
      const what = 'shape [queries, keys] or [batch · num_heads, queries, keys]';
      throw unexpectedShape('INVALID_SHAPE', what, 'attn_mask', shape);
    }
    if (!Number.isInteger(heads) || heads! < 1 || first % heads! !== 0) {
      throw expected(
        'INVALID_OPTION',
        `the divisor of ${first} that tells heads from batch`,
        'num_heads',
        heads,
      );
    }
    return [first / heads!, heads!, ...rest];
  });
}

function readPaddingMask({ key_padding_mask: given }: TorchMultiheadOptions): Masks {
  return reshape(flip(readMask('key_padding_mask', given)), (shape) => {
    const [batch, keys] = shape.length === 1 ? [1, shape[0]!] : shape;
    if (shape.length > 2 || keys === undefined) {
      throw unexpectedShape('INVALID_SHAPE', 'shape [batch, keys]', 'key_padding_mask', shape);
    }
    return [batch!, 1, 1, keys];
  });
}
