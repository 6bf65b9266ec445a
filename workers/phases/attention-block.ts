// The operands of one block of attention, from the description of a job: where its queries, keys and the rest lie.
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { AttentionBlock, BlockWeights, Slice, Strided } from '../kernels/kernel.js';
import type { AttentionWork, Broadcast, ColumnsOutput } from '../../src/core/protocol/attention-work.js';
import type { HeadLayout } from '../../src/core/protocol/layout.js';
import { entryWords } from '../../src/core/protocol/tables.js';

/** Some queries of an entry, for neighbouring query heads that share a key/value head. */
export interface BlockRange {
  readonly entry: number;
  readonly firstHead: number;
  readonly endHead: number;
  readonly firstQuery: number;
  readonly endQuery: number;
}

/** Opens the operands once; what comes back makes the blocks of one phase. */
export function openBlocks(
  work: AttentionWork,
  entries: Float64Array,
  views: RegionViews,
): (range: BlockRange) => AttentionBlock {
  const { heads, kvHeads, headDim, valueDim, scale, softcap, left, right } = work;
  const query = views.floats(work.query.region);
  const stored = openStored(work, views);
  const output = views.floats(work.output.region);
  const mask = work.mask && { ...work.mask, data: views.bytes(work.mask.region) };
  const bias = work.bias && { ...work.bias, data: views.floats(work.bias.region) };
  const weights = work.weights && { ...work.weights, data: views.floats(work.weights.region) };
  const scores = work.scores && { ...work.scores, data: views.floats(work.scores.region) };
  const sums = work.logSumExp && { ...work.logSumExp, data: views.floats(work.logSumExp.region) };
  const alibiSlopes = work.alibiSlopes && views.floats(work.alibiSlopes);
  const sinks = work.sinks && views.floats(work.sinks);
  const headScale = work.headScale && views.floats(work.headScale);
  const extra = work.extra && {
    count: work.extra.count,
    key: views.floats(work.extra.key),
    value: views.floats(work.extra.value),
  };
  const group = heads / kvHeads;

  return ({ entry, firstHead: head, endHead, firstQuery, endQuery }) => {
    const word = (index: number): number => entries[entry * entryWords.count + index]!;
    const kvHead = Math.floor(head / group);
    const rowOf = (offset: number, { headStride, tokenStride }: HeadLayout): number =>
      offset + head * headStride + firstQuery * tokenStride;
    const ofHead = (data: Float32Array | null): Slice | null => data && { data, offset: head };
    // Where query 0 of this block stands on the diagonal.
    const position = firstQuery + word(entryWords.diagonal);
    return {
      query: { data: query, offset: rowOf(word(entryWords.queryOffset), work.query) },
      queryStride: work.query.tokenStride,
      queryHeadStride: work.query.headStride,
      ...stored(word, kvHead),
      keyStride: work.key.tokenStride,
      valueStride: work.value.tokenStride,
      output: { data: output, offset: rowOf(word(entryWords.outputOffset), work.output) },
      outputStride: work.output.tokenStride,
      outputHeadStride: work.output.headStride,
      queries: endQuery - firstQuery,
      group: endHead - head,
      keys: word(entryWords.keys),
      headDim,
      valueDim,
      scale,
      softcap,
      extra: extra && {
        count: extra.count,
        key: { data: extra.key, offset: kvHead * extra.count * headDim },
        value: { data: extra.value, offset: kvHead * extra.count * valueDim },
      },
      position,
      firstOffset: position - left,
      lastOffset: position + right,
      mask: mask && strided(mask, entry, head, firstQuery),
      bias: bias && strided(bias, entry, head, firstQuery),
      alibiSlopes: ofHead(alibiSlopes),
      sinks: ofHead(sinks),
      headScale: ofHead(headScale),
      weights: weights && blockWeights(entry, head, firstQuery),
      scores: scores && { ...columnsOf(scores, entry, head, firstQuery), stage: scores.stage },
      statistics: null,
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
  };

  function blockWeights(entry: number, head: number, firstQuery: number): BlockWeights {
    const { data, mode, entryStride, queryStride, extraColumn } = weights!;
    if (mode === 'heads')
      return { ...columnsOf(weights!, entry, head, firstQuery), share: 1, isAdded: false };
    const to = { data, offset: entry * entryStride + firstQuery * queryStride };
    return { to, headStride: 0, queryStride, extraColumn, share: 1 / heads, isAdded: true };
  }
}

type Stored = Pick<AttentionBlock, 'key' | 'value' | 'storage' | 'pages'>;

/** Keys and values of a key/value head: row after row, or in the pages of its entry. */
function openStored(
  { key, value, paging }: AttentionWork,
  views: RegionViews,
): (word: (index: number) => number, kvHead: number) => Stored {
  if (paging === null) {
    const [keys, values] = [views.floats(key.region), views.floats(value.region)];
    return (word, kvHead) => ({
      key: { data: keys, offset: word(entryWords.keyOffset) + kvHead * key.headStride },
      value: { data: values, offset: word(entryWords.valueOffset) + kvHead * value.headStride },
      storage: 'f32',
      pages: null,
    });
  }
  const { storage, pageKeys, pageStride } = paging;
  const pools = paging.pools.map((pool) => (storage === 'f32' ? views.floats(pool) : views.halves(pool)));
  const table = views.integers(paging.table);
  return (word, kvHead) => {
    const data = pools[word(entryWords.pool)] as Float32Array | Uint16Array;
    const sliceAt = (offset: number) => ({ data, offset }) as Stored['key'];
    return {
      key: sliceAt(word(entryWords.keyOffset) + kvHead * key.headStride),
      value: sliceAt(word(entryWords.valueOffset) + kvHead * value.headStride),
      storage,
      pages: {
        table: { data: table, offset: word(entryWords.pagesOffset) },
        pageKeys,
        stride: pageStride,
      },
    };
  };
}

function columnsOf(
  {
    data,
    entryStride,
    headStride,
    queryStride,
    extraColumn,
  }: ColumnsOutput & { readonly data: Float32Array },
  entry: number,
  head: number,
  query: number,
): {
  readonly to: Slice;
  readonly headStride: number;
  readonly queryStride: number;
  readonly extraColumn: number;
} {
  const offset = entry * entryStride + head * headStride + query * queryStride;
  return { to: { data, offset }, headStride, queryStride, extraColumn };
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
