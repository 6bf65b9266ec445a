// How the options that come with a layer's weights are told in one line.
import type { LayerDefaults } from '../checkpoints/family.js';

/** `causal`, `window 4`, `rope 10000 on 4 dims`, `query/key norms`. */
export function formatDefaults(
  { causal, window, scale, rope, qkNorm }: LayerDefaults,
  hasNorms = qkNorm !== undefined,
): string[] {
  const parts = [
    causal === true && 'causal',
    window !== undefined && `window ${window.left ?? 'open'}`,
    scale !== undefined && `scale ${scale}`,
    rope !== undefined && `rope ${rope.base}${rope.dims === undefined ? '' : ` on ${rope.dims} dims`}`,
    hasNorms && 'query/key norms',
  ];
  return parts.filter((part) => part !== false);
}
