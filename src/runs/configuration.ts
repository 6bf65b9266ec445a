// What an output says about its making: nothing in it depends on the machine's load or the number of threads.
import type { MultiHeadAttention } from '../engine/multi-head-attention.js';
import type { RunRequest } from './request.js';

export type LayerHeads = Pick<MultiHeadAttention, 'heads' | 'kvHeads' | 'headDim'>;

/** The options in one order, however they were given: causal and scale always, the others where they are given. */
export function configurationOf(
  { options, weights }: RunRequest,
  { heads, kvHeads, headDim }: LayerHeads,
): object {
  const { causal = false, scale = 1 / Math.sqrt(headDim), alignment, window, softcap, rope } = options;
  const { alibiSlopes, sinks, headScale } = options;
  const listOf = (numbers?: ArrayLike<number>): number[] | undefined => numbers && Array.from(numbers);
  const configuration = {
    ...{ heads, kvHeads, headDim, causal, scale },
    addZeroAttention: weights.addZeroAttention === true ? true : undefined,
    alignment,
    window: window && { left: window.left, right: window.right },
    softcap,
    alibiSlopes: listOf(alibiSlopes),
    sinks: listOf(sinks),
    headScale: listOf(headScale),
    rope: rope && { base: rope.base, dims: rope.dims ?? headDim, interleaved: rope.interleaved ?? false },
  };
  // As a manifest gives it back: without what is undefined.
  return JSON.parse(JSON.stringify(configuration)) as object;
}
