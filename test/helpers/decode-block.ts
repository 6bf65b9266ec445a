// Decoding blocks on a bare kernel, in one piece and over ranges of their keys: what the phases `decode` and `merge` do,
// without an engine.
import assert from 'node:assert/strict';
import type { AttentionBlock, Slice } from '../../workers/kernels/kernel.js';
import type { OracleInputs } from '../oracle/oracle.js';
import { partialFloats } from '../../src/core/protocol/attention-work.js';
import { attentionCase, type CaseOptions } from './attention-case.js';
import { blockOf, isSurroundingIntact, read, type KernelBench } from './kernel-bench.js';

type Put = KernelBench['place'];

/** A decoding block of the one key/value head of a case; its output and sums are NaN until they are written. */
export function decodingBlock(
  place: Put,
  put: Put,
  { dims, q, k, v }: OracleInputs,
): AttentionBlock & { readonly logSumExp: NonNullable<AttentionBlock['logSumExp']> } {
  const { heads: group, queries, keys, headDim, valueDim } = dims;
  const logSumExp = { to: put(new Float32Array(group * queries).fill(NaN)), headStride: queries };
  const block = blockOf({
    ...{ group, queries, keys, headDim, valueDim, isDecoding: true },
    query: put(q),
    key: place(k),
    value: place(v),
    output: put(new Float32Array(group * queries * valueDim).fill(NaN)),
  });
  return { ...block, logSumExp };
}

/** The numbers of a block of that form, as they are now. */
export function resultsOf({ output, logSumExp, group, queries, valueDim }: AttentionBlock): {
  readonly output: Float32Array;
  readonly logSumExp: Float32Array;
} {
  return {
    output: read(output, group * queries * valueDim),
    logSumExp: read(logSumExp!.to, group * queries),
  };
}

/** A case of `group` query heads that share one key/value head. */
export function decodingCase(group: number, options: CaseOptions): OracleInputs {
  return attentionCase({ heads: group, kvHeads: 1, ...options }).oracle;
}

/** Attends range by range, last range first, and merges; `afterAttending` runs between. */
export function attendRanges(
  { kernel, place }: Pick<KernelBench, 'kernel' | 'place'>,
  block: AttentionBlock,
  keysPerRange: number,
  afterAttending?: () => void,
): void {
  const { keys, queries, group, valueDim } = block;
  const ranges = Math.ceil(keys / keysPerRange);
  const rangeFloats = queries * group * partialFloats(valueDim);
  const partial = place(new Float32Array(ranges * rangeFloats).fill(NaN));
  for (let range = ranges - 1; range >= 0; range--) {
    const first = range * keysPerRange;
    kernel.attend({
      ...cutKeys(block, first, Math.min(keys, first + keysPerRange)),
      partial: { data: partial.data, offset: partial.offset + range * rangeFloats },
    });
  }
  assert.ok(isSurroundingIntact(partial, ranges * rangeFloats), 'beside what the ranges gathered');
  afterAttending?.();
  kernel.merge({ ...block, partial, ranges });
}

/** The block over the keys first <= j < end; what is beside the sequence belongs to the first range. */
function cutKeys(block: AttentionBlock, first: number, end: number): AttentionBlock {
  const { mask, bias } = block;
  return {
    ...block,
    ...cutStored(block, first),
    keys: end - first,
    extra: first === 0 ? block.extra : null,
    sinks: first === 0 ? block.sinks : null,
    position: block.position - first,
    firstOffset: block.firstOffset - first,
    lastOffset: block.lastOffset - first,
    mask: mask && { ...mask, from: advance(mask.from, first * mask.keyStride) },
    bias: bias && { ...bias, from: advance(bias.from, first * bias.keyStride) },
  };
}

/** Keys and values from `first` on; that is the first of a page where they lie in pages. */
function cutStored(
  { key, keyStride, value, valueStride, pages }: AttentionBlock,
  first: number,
): Pick<AttentionBlock, 'key' | 'value' | 'pages'> {
  if (pages === null)
    return { key: advance(key, first * keyStride), value: advance(value, first * valueStride), pages };
  assert.equal(first % pages.pageKeys, 0, 'ranges of whole pages');
  return { key, value, pages: { ...pages, table: advance(pages.table, first / pages.pageKeys) } };
}

function advance<S extends Slice<unknown>>(slice: S, by: number): S {
  return { ...slice, offset: slice.offset + by };
}
