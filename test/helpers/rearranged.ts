// Tensors with their numbers in another order: an axis permuted or cut, heads side by side.
import { createRandom } from '../../src/core/tensor/random.js';
import type { Shape } from '../../src/core/tensor/shape.js';
import type { TensorLike } from '../../src/index.js';

/** 0 … length - 1, shuffled. */
export function randomOrder(length: number, seed: number): number[] {
  const random = createRandom(seed);
  const keys = Array.from({ length }, () => random.uniform());
  return [...keys.keys()].sort((a, b) => keys[a]! - keys[b]!);
}

/**
 * Element n of the axis is element order[n] of before. An axis that is not there, or is 1 because it broadcasts, stays.
 * @param axis counted from the right: -1 is the last
 */
export function permuteAxis<T extends Float32Array | Uint16Array | Uint8Array>(
  { shape, data }: { readonly shape: Shape; readonly data: T },
  axis: number,
  order: readonly number[],
): { readonly shape: Shape; readonly data: T } {
  const at = shape.length + axis;
  if (at < 0 || shape[at] === 1) return { shape, data };
  const inner = shape.slice(at + 1).reduce((product, length) => product * length, 1);
  const length = shape[at]!;
  const moved = shape.with(at, order.length);
  const result = new (data.constructor as new (length: number) => T)(
    moved.reduce((product, axisLength) => product * axisLength, 1),
  );
  for (let n = 0; n < result.length; n++) {
    const [outer, own, rest] = [
      Math.floor(n / inner / order.length),
      Math.floor(n / inner) % order.length,
      n % inner,
    ];
    result[n] = data[(outer * length + order[own]!) * inner + rest]!;
  }
  return { shape: moved, data: result };
}

/** [batch, heads, tokens, dims] as [batch, tokens, heads · dims]. */
export function besideEachOther({ shape, data }: TensorLike): TensorLike & { readonly data: Float32Array } {
  const [batch, heads, tokens, dims] = shape as readonly [number, number, number, number];
  const moved = Float32Array.from(data, (_, n) => {
    const [rest, d] = [Math.floor(n / dims), n % dims];
    const [h, row] = [rest % heads, Math.floor(rest / heads)];
    const [b, token] = [Math.floor(row / tokens), row % tokens];
    return data[((b * heads + h) * tokens + token) * dims + d]!;
  });
  return { shape: [batch, tokens, heads * dims], data: moved };
}
