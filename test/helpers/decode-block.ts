// Decoding blocks on a bare kernel, in one piece and over ranges of their keys: what the phases `decode` and `merge` do,
// without an engine.
import assert from 'node:assert/strict';
import type { AttentionBlock, BlockRules } from '../../workers/kernels/kernel.js';
import type { OracleInputs } from '../oracle/oracle.js';
import { partialFloats } from '../../src/core/protocol/attention-work.js';
import type { Slice } from '../../src/core/protocol/strided.js';
import { attentionCase, type CaseOptions } from './attention-case.js';
import { blockOf, isSurroundingIntact, read, type KernelBench } from './kernel-bench.js';
import { strided } from './strided.js';

type Put = KernelBench['place'];

/** A decoding block of the one key/value head of a case; its output and sums are NaN until they are written. */
export function decodingBlock(
  place: Put,
  put: Put,
  { dims, q, k, v }: OracleInputs,
  rules: Partial<BlockRules> = {},
): AttentionBlock & { readonly logSumExp: NonNullable<AttentionBlock['logSumExp']> } {
  const { heads: group, queries, keys, headDim, valueDim } = dims;
  const sums = put(new Float32Array(group * queries).fill(NaN));
  const block = blockOf({
    group,
    queries,
    keys,
    headDim,
    valueDim,
    isDecoding: true,
    query: put(q),
    key: place(k),
    value: place(v),
    output: put(new Float32Array(group * queries * valueDim).fill(NaN)),
    rules,
  });
  return { ...block, logSumExp: strided(sums, { headStride: queries, rowStride: 1 }) };
}

/** The numbers of a block of that form, as they are now. */
export function resultsOf({ output, logSumExp, group, queries, valueDim }: AttentionBlock): {
  readonly output: Float32Array;
  readonly logSumExp: Float32Array;
} {
  return {
    output: read(output, group * queries * valueDim),
    logSumExp: read(logSumExp!, group * queries),
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
  const rowFloats = partialFloats(valueDim);
  const rangeFloats = queries * group * rowFloats;
  const partial = strided(place(new Float32Array(ranges * rangeFloats).fill(NaN)), {
    entryStride: rangeFloats,
    headStride: rowFloats,
    rowStride: group * rowFloats,
  });
  for (let range = ranges - 1; range >= 0; range--) {
    const first = range * keysPerRange;
    kernel.attend({
      ...cutKeys(block, first, Math.min(keys, first + keysPerRange)),
      partial: advance(partial, range * rangeFloats),
    });
  }
  assert.ok(isSurroundingIntact(partial, ranges * rangeFloats), 'beside what the ranges gathered');
  afterAttending?.();
  kernel.merge({ ...block, headScale: block.rules.headScale, partial, ranges });
}

/** The block over the keys first <= j < end; what is beside the sequence belongs to the first range. */
function cutKeys(block: AttentionBlock, first: number, end: number): AttentionBlock {
  const { rules } = block;
  const { mask, bias } = rules;
  return {
    ...block,
    ...cutStored(block, first),
    keys: end - first,
    extra: first === 0 ? block.extra : null,
    rules: {
      ...rules,
      bias: bias && advance(bias, first * bias.columnStride),
      mask: mask && advance(mask, first * mask.columnStride),
      sinks: first === 0 ? rules.sinks : null,
    },
    position: block.position - first,
  };
}

/** Keys and values from `first` on; that is the first of a page where they lie in pages. */
function cutStored(
  { key, value, pages }: AttentionBlock,
  first: number,
): Pick<AttentionBlock, 'key' | 'value' | 'pages'> {
  if (pages === null) {
    return {
      key: advance(key, first * key.rowStride),
      value: advance(value, first * value.rowStride),
      pages,
    };
  }
  assert.equal(first % pages.pageKeys, 0, 'ranges of whole pages');
  return { key, value, pages: { ...pages, table: advance(pages.table, first / pages.pageKeys) } };
}

function advance<S extends Slice<unknown>>(slice: S, by: number): S {
  return { ...slice, offset: slice.offset + by };
}
