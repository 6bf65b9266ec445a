// Tensors of cases as engines take them, and rearranged: heads apart or side by side, past before new.
import { encodeInto } from '../core/tensor/dtype.js';
import type { TensorLike } from '../core/tensor/tensor.js';
import type { BooleanOrFloatMask } from '../attention/presets.js';
import type { MaskLike } from '../attention/share-operands.js';
import type { CaseTensor } from './case.js';

/** Floats as engines take them; F16 as its bits, so that this way in is exercised too. */
export function asTensor({ shape, dtype, data }: CaseTensor): TensorLike {
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  if (dtype !== 'F16') return { shape, data: floats };
  const bits = new Uint16Array(floats.length);
  encodeInto(bits, floats, 'f16');
  return { shape, data: bits, dtype: 'f16' };
}

/** Booleans as a mask; what true means is the suite's convention. */
export function asMask({ shape, data }: CaseTensor): MaskLike {
  return { shape, data: Uint8Array.from(data) };
}

/** Booleans or floats to add, as presets take them. */
export function asMaskOrBias(tensor: CaseTensor): BooleanOrFloatMask {
  return tensor.dtype === 'BOOL' ? asMask(tensor) : asTensor(tensor);
}

/** [batch, tokens, heads · dims] -> [batch, heads, tokens, dims] */
export function splitHeads(tensor: CaseTensor, heads: number): CaseTensor {
  const [batch, tokens, width] = tensor.shape as readonly [number, number, number];
  const dims = width / heads;
  return {
    ...tensor,
    shape: [batch, heads, tokens, dims],
    data: swapMiddle(tensor.data, [batch, tokens, heads, dims]),
  };
}

/** [batch, heads, tokens, dims] -> [batch, tokens, heads · dims] */
export function joinHeads(tensor: CaseTensor): CaseTensor {
  const [batch, heads, tokens, dims] = tensor.shape as readonly [number, number, number, number];
  const data = swapMiddle(tensor.data, [batch, heads, tokens, dims]);
  return { ...tensor, shape: [batch, tokens, heads * dims], data };
}

/** [a, b, c, d] -> [a, c, b, d] */
function swapMiddle(
  data: CaseTensor['data'],
  [a, b, c, d]: readonly [number, number, number, number],
): CaseTensor['data'] {
  const swapped = makeLike(data, data.length);
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < c; k++) {
        const from = ((i * b + j) * c + k) * d;
        swapped.set(data.subarray(from, from + d), ((i * c + k) * b + j) * d);
      }
    }
  }
  return swapped;
}

/** [batch, heads, past, dims] and [batch, heads, new, dims] -> [batch, heads, past + new, dims] */
export function concatenateTokens(past: CaseTensor, added: CaseTensor): CaseTensor {
  const [batch, heads, before, dims] = past.shape as readonly [number, number, number, number];
  const tokens = before + added.shape[2]!;
  const joined = makeLike(past.data, batch * heads * tokens * dims);
  for (let head = 0; head < batch * heads; head++) {
    const [old, extra] = [before * dims, (tokens - before) * dims];
    joined.set(past.data.subarray(head * old, (head + 1) * old), head * tokens * dims);
    joined.set(added.data.subarray(head * extra, (head + 1) * extra), head * tokens * dims + old);
  }
  return { ...past, shape: [batch, heads, tokens, dims], data: joined };
}

function makeLike(data: CaseTensor['data'], length: number): CaseTensor['data'] {
  if (data instanceof Uint8Array) return new Uint8Array(length);
  return data instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
}
