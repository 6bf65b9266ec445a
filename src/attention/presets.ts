// Options of an attention from those of other systems, under their names and by their conventions.
import { flashAttention } from './presets/flash-attention.js';
import { jax } from './presets/jax.js';
import { onnx } from './presets/onnx.js';
import { torch, torchMultihead } from './presets/torch.js';

export type { FlashAttentionOptions } from './presets/flash-attention.js';
export type { JaxOptions, JaxTokens } from './presets/jax.js';
export type { BooleanOrFloatMask } from './presets/masks.js';
export type { OnnxOptions, OnnxTokens } from './presets/onnx.js';
export type { TorchMultiheadOptions, TorchOptions } from './presets/torch.js';

/**
 * Functions from another system's options to those of a call: `engine.attention({ q, k, v, ...presets.torch({ … }) })`.
 * They turn masks and corners the right way, keep that system's defaults, and refuse by its own names what has no
 * counterpart. Layouts and rows that may attend nothing differ still: docs/porting.md.
 */
export const presets = Object.freeze({ torch, torchMultihead, onnx, flashAttention, jax });
