// Units of the decoding phase: all queries of a sequence that has few of them, over a range of its keys.
import type { RegionViews } from '../../src/tensor/region.js';
import type { AttentionBlock, Kernel, Slice, Strided } from '../kernels/kernel.js';
import { entryWords, partialFloats, type DecodeWork } from '../protocol.js';
import { openBlocks } from './attention-block.js';
import type { UnitRunner } from './unit.js';

export function decodeUnits(
  work: DecodeWork,
  [entries]: readonly Float64Array[],
  views: RegionViews,
  kernel: Kernel,
): UnitRunner {
  const { split } = work;
  const blockOf = openBlocks(work, entries!, views);
  const partial = split && views.floats(split.partial);

  return ([entry, firstHead, endHead, firstKey, endKey]) => {
    const word = (index: number): number => entries![entry! * entryWords.count + index]!;
    const queries = word(entryWords.queries);
    for (let kvHead = firstHead!; kvHead < endHead!; kvHead++) {
      const block: AttentionBlock = { ...blockOf(entry!, kvHead, 0, queries), isDecoding: true };
      if (split === null || block.keys <= split.keysPerRange) {
        kernel.attend(block);
      } else {
        const ranges = Math.ceil(block.keys / split.keysPerRange);
        const range = kvHead * ranges + firstKey! / split.keysPerRange;
        const rangeFloats = queries * block.group * partialFloats(block.valueDim);
        const offset = word(entryWords.partialOffset) + range * rangeFloats;
        kernel.attend({ ...cutKeys(block, firstKey!, endKey!), partial: { data: partial!, offset } });
      }
    }
  };
}

/** The same block over a range of its keys; keys beside the sequence belong to the first range. */
function cutKeys(block: AttentionBlock, firstKey: number, endKey: number): AttentionBlock {
  const { key, keyStride, value, valueStride, extra, firstOffset, lastOffset, mask, bias } = block;
  return {
    ...block,
    key: advance(key, firstKey * keyStride),
    value: advance(value, firstKey * valueStride),
    keys: endKey - firstKey,
    extra: firstKey === 0 ? extra : null,
    firstOffset: firstOffset - firstKey,
    lastOffset: lastOffset - firstKey,
    mask: mask && advanceKeys(mask, firstKey),
    bias: bias && advanceKeys(bias, firstKey),
  };
}

function advanceKeys<T>(operand: Strided<T>, keys: number): Strided<T> {
  return { ...operand, from: advance(operand.from, keys * operand.keyStride) };
}

function advance<T>({ data, offset }: Slice<T>, elements: number): Slice<T> {
  return { data, offset: offset + elements };
}
