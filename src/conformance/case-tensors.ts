// Rearranges the tensors of cases: heads apart or side by side, past before new, masks padded and combined.
import { HeadpoolError } from '../errors.js';
import { encodeInto } from '../tensor/dtype.js';
import { broadcastStrides, elementCount, formatShape, type Shape } from '../tensor/shape.js';
import type { TensorLike } from '../tensor/tensor.js';
import type { MaskLike } from '../attention/shared.js';
import type { CaseTensor } from './case.js';

/** Floats as engines take them; F16 as its bits, so that this way in is exercised too. */
export function asTensor({ shape, dtype, data }: CaseTensor): TensorLike {
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  if (dtype !== 'F16') return { shape, data: floats };
  const bits = new Uint16Array(floats.length);
  encodeInto(bits, floats, 'f16');
  return { shape, data: bits, dtype: 'f16' };
}

/** Booleans as a mask: true = attend. */
export function asMask({ shape, data }: CaseTensor): MaskLike {
  return { shape, data: Uint8Array.from(data) };
}

/** true for false and false for true. */
export function flipMask({ shape, data }: MaskLike): MaskLike {
  return { shape, data: Uint8Array.from(data as ArrayLike<number>, (attend) => (attend ? 0 : 1)) };
}

/** Query i attends the keys i + offset - left … i + offset + right: [queries, keys] */
export function bandMask(
  [queries, keys]: readonly [number, number],
  { offset, left, right }: { readonly offset: number; readonly left: number; readonly right: number },
): MaskLike {
  const data = Uint8Array.from({ length: queries * keys }, (_, flat) => {
    const distance = (flat % keys) - Math.floor(flat / keys) - offset;
    return distance >= -left && distance <= right ? 1 : 0;
  });
  return { shape: [queries, keys], data };
}

/** Where both masks attend, both broadcast to `target`. @throws INVALID_SHAPE if one doesn't fit */
export function combineMasks(a: MaskLike, b: MaskLike, target: Shape): MaskLike {
  const [inA, inB] = [spread(a, target), spread(b, target)];
  return { shape: target, data: inA.map((attend, n) => attend & inB[n]!) };
}

function spread({ shape, data }: MaskLike, target: Shape): Uint8Array {
  const strides = broadcastStrides(shape, target);
  if (strides === undefined) {
    const sizes = `${formatShape(shape)} and ${formatShape(target)}`;
    throw new HeadpoolError('INVALID_SHAPE', `Expected a mask that broadcasts from the right, got ${sizes}`);
  }
  return Uint8Array.from({ length: elementCount(target) }, (_, flat) => {
    let rest = flat;
    let at = 0;
    for (let axis = target.length - 1; axis >= 0; axis--) {
      at += (rest % target[axis]!) * strides[axis]!;
      rest = Math.floor(rest / target[axis]!);
    }
    return data[at] ? 1 : 0;
  });
}

/** [..., length] -> [..., longer], `filler` behind what is there. */
export function padLastAxis(tensor: CaseTensor, longer: number, filler: number): CaseTensor {
  const { shape, data } = tensor;
  const length = shape.at(-1) ?? 1;
  if (length >= longer) return tensor;
  const padded = makeLike(data, (data.length / length) * longer).fill(filler);
  for (let row = 0; row * length < data.length; row++) {
    padded.set(data.subarray(row * length, (row + 1) * length), row * longer);
  }
  return { ...tensor, shape: [...shape.slice(0, -1), longer], data: padded };
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
