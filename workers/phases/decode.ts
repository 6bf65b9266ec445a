// Units of the decoding phase: all queries of a sequence that has few of them, over a range of its keys.
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { AttentionBlock, Kernel } from '../kernels/kernel.js';
import { partialFloats, type DecodeWork } from '../../src/core/protocol/attention-work.js';
import { rulesFrom } from '../../src/core/protocol/score-rules.js';
import { from, rowsTogether } from '../../src/core/protocol/strided.js';
import { entryWords } from '../../src/core/protocol/tables.js';
import { openBlocks } from './attention-block.js';
import { openBlockStatistics } from './block-statistics.js';
import type { UnitRunner } from '../../src/core/protocol/tables.js';

export function decodeUnits(
  work: DecodeWork,
  [entries]: readonly Float64Array[],
  views: RegionViews,
  kernel: Kernel,
): UnitRunner {
  const { split, heads, kvHeads } = work;
  const blockOf = openBlocks(work, entries!, views);
  const statistics = work.statistics && openBlockStatistics(work.statistics, entries!, views);
  const partial = split && views.floats(split.partial);
  const group = heads / kvHeads;

  return ([entry, firstKvHead, endKvHead, firstKey, endKey]) => {
    const word = (index: number): number => entries![entry! * entryWords.count + index]!;
    const queries = word(entryWords.queries);
    for (let kvHead = firstKvHead!; kvHead < endKvHead!; kvHead++) {
      const firstHead = kvHead * group;
      const range = {
        entry: entry!,
        firstHead,
        endHead: firstHead + group,
        firstQuery: 0,
        endQuery: queries,
      };
      const block: AttentionBlock = { ...blockOf(range), isDecoding: true };
      if (statistics !== null) {
        statistics.attend(kernel, block, range);
      } else if (split === null || block.keys <= split.keysPerRange) {
        kernel.attend(block);
      } else {
        const ranges = Math.ceil(block.keys / split.keysPerRange);
        const rangeOfHead = kvHead * ranges + firstKey! / split.keysPerRange;
        const rangeFloats = queries * group * partialFloats(block.valueDim);
        const offset = word(entryWords.partialOffset) + rangeOfHead * rangeFloats;
        kernel.attend({
          ...cutKeys(block, firstKey!, endKey!),
          partial: rowsTogether(partial!, offset, group, partialFloats(block.valueDim)),
        });
      }
    }
  };
}

/** The same block over a range of its keys; what is beside the sequence belongs to the first range. */
function cutKeys(block: AttentionBlock, firstKey: number, endKey: number): AttentionBlock {
  const { extra, rules, position } = block;
  const isFirst = firstKey === 0;
  return {
    ...block,
    ...cutStored(block, firstKey),
    keys: endKey - firstKey,
    extra: isFirst ? extra : null,
    rules: { ...rulesFrom(rules, { column: firstKey }), sinks: isFirst ? rules.sinks : null },
    position: position - firstKey,
  };
}

/** Keys and values from `firstKey` on, the first of a page where they are paged. */
function cutStored(
  { key, value, pages }: AttentionBlock,
  firstKey: number,
): Pick<AttentionBlock, 'key' | 'value' | 'pages'> {
  if (pages === null) {
    return { key: from(key, { row: firstKey }), value: from(value, { row: firstKey }), pages };
  }
  const { table, pageKeys } = pages;
  return { key, value, pages: { ...pages, table: { ...table, offset: table.offset + firstKey / pageKeys } } };
}
