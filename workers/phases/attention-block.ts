// The operands of one block of attention, from the description of a job: where its queries, keys and the rest lie.
import type { RegionViews } from '../../src/tensor/region.js';
import type { AttentionBlock, BlockWeights, Slice, Strided } from '../kernels/kernel.js';
import { entryWords, type AttentionWork, type Broadcast, type HeadLayout } from '../protocol.js';

/** The queries firstQuery <= i < endQuery of an entry, for the query heads of one key/value head. */
export type OpenBlocks = (
  entry: number,
  kvHead: number,
  firstQuery: number,
  endQuery: number,
) => AttentionBlock;

/** Opens the operands once; what comes back makes the blocks of one entry. */
export function openBlocks(work: AttentionWork, entries: Float64Array, views: RegionViews): OpenBlocks {
  const { heads, kvHeads, headDim, valueDim, scale, left, right } = work;
  const query = views.floats(work.query.region);
  const key = views.floats(work.key.region);
  const value = views.floats(work.value.region);
  const output = views.floats(work.output.region);
  const mask = work.mask && { ...work.mask, data: views.bytes(work.mask.region) };
  const bias = work.bias && { ...work.bias, data: views.floats(work.bias.region) };
  const weights = work.weights && { ...work.weights, data: views.floats(work.weights.region) };
  const sums = work.logSumExp && { ...work.logSumExp, data: views.floats(work.logSumExp.region) };
  const extra = work.extra && {
    count: work.extra.count,
    key: views.floats(work.extra.key),
    value: views.floats(work.extra.value),
  };
  const group = heads / kvHeads;

  return blockOf;

  function blockOf(entry: number, kvHead: number, firstQuery: number, endQuery: number): AttentionBlock {
    const word = (index: number): number => entries[entry * entryWords.count + index]!;
    const head = kvHead * group;
    const rowOf = (offset: number, { headStride, tokenStride }: HeadLayout): number =>
      offset + head * headStride + firstQuery * tokenStride;
    // Where query 0 of this block stands on the diagonal.
    const position = firstQuery + word(entryWords.diagonal);
    return {
      query: { data: query, offset: rowOf(word(entryWords.queryOffset), work.query) },
      queryStride: work.query.tokenStride,
      queryHeadStride: work.query.headStride,
      key: { data: key, offset: word(entryWords.keyOffset) + kvHead * work.key.headStride },
      keyStride: work.key.tokenStride,
      value: { data: value, offset: word(entryWords.valueOffset) + kvHead * work.value.headStride },
      valueStride: work.value.tokenStride,
      output: { data: output, offset: rowOf(word(entryWords.outputOffset), work.output) },
      outputStride: work.output.tokenStride,
      outputHeadStride: work.output.headStride,
      queries: endQuery - firstQuery,
      group,
      keys: word(entryWords.keys),
      headDim,
      valueDim,
      scale,
      extra: extra && {
        count: extra.count,
        key: { data: extra.key, offset: kvHead * extra.count * headDim },
        value: { data: extra.value, offset: kvHead * extra.count * valueDim },
      },
      firstOffset: position - left,
      lastOffset: position + right,
      mask: mask && strided(mask, entry, head, firstQuery),
      bias: bias && strided(bias, entry, head, firstQuery),
      weights: weights && blockWeights(entry, head, firstQuery),
      logSumExp: sums && {
        to: {
          data: sums.data,
          offset: word(entryWords.logSumExpOffset) + head * sums.headStride + firstQuery,
        },
        headStride: sums.headStride,
      },
      isDecoding: false,
      partial: null,
    };
  }

  function blockWeights(entry: number, head: number, firstQuery: number): BlockWeights {
    const { data, mode, entryStride, headStride, queryStride, extraColumn } = weights!;
    const start = entry * entryStride + firstQuery * queryStride;
    const rows = { queryStride, extraColumn };
    return mode === 'heads'
      ? { to: { data, offset: start + head * headStride }, headStride, ...rows, share: 1, isAdded: false }
      : { to: { data, offset: start }, headStride: 0, ...rows, share: 1 / heads, isAdded: true };
  }
}

function strided<T extends Float32Array | Uint8Array>(
  { data, strides }: Broadcast & { readonly data: T },
  entry: number,
  head: number,
  query: number,
): Strided<T> {
  const [entryStride, headStride, queryStride, keyStride] = strides;
  const from: Slice<T> = { data, offset: entry * entryStride + head * headStride + query * queryStride };
  return { from, headStride, queryStride, keyStride };
}
