// The two layouts of heads in a tensor, one made of the other.
import type { TensorLike } from '../../src/index.js';

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
