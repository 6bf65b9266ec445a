// Units that copy the keys and values of one head into a contiguous block of working memory: side by side with other
// heads, a tile of keys would fall into a few sets of the cache.
import type { RegionViews } from '../../src/tensor/region.js';
import type { UnitRunner } from '../phases.js';
import { entryWords, type GatherWork, type HeadLayout } from '../protocol.js';

export function gatherUnits(work: GatherWork, views: RegionViews): UnitRunner {
  const entries = new Float64Array(work.entries);
  const copies = [
    open(work.key, entryWords.keyOffset, entryWords.gatheredKeyOffset),
    open(work.value, entryWords.valueOffset, entryWords.gatheredValueOffset),
  ] as const;

  function open(copy: GatherWork['key'], fromWord: number, toWord: number) {
    return { ...copy, fromWord, toWord, source: views.floats(copy.from.region), target: views.floats(copy.to.region) };
  }

  return ([entry, firstHead, endHead, which]) => {
    const row = entry! * entryWords.count;
    const { from, to, dims, source, target, fromWord, toWord } = copies[which === 0 ? 0 : 1];
    const keys = entries[row + entryWords.keys]!;
    for (let head = firstHead!; head < endHead!; head++) {
      const read = entries[row + fromWord]! + head * from.headStride;
      const write = entries[row + toWord]! + head * to.headStride;
      copyRows({ source, read, readStride: from.tokenStride, target, write, writeStride: to.tokenStride, keys, dims });
    }
  };
}

interface RowCopy {
  source: Float32Array;
  read: number;
  readStride: HeadLayout['tokenStride'];
  target: Float32Array;
  write: number;
  writeStride: HeadLayout['tokenStride'];
  keys: number;
  dims: number;
}

function copyRows({ source, read, readStride, target, write, writeStride, keys, dims }: RowCopy): void {
  if (readStride === dims && writeStride === dims) {
    target.set(source.subarray(read, read + keys * dims), write);
    return;
  }
  for (let j = 0; j < keys; j++) {
    const start = read + j * readStride;
    target.set(source.subarray(start, start + dims), write + j * writeStride);
  }
}
