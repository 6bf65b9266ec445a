// Units that copy the keys and values of one head into a contiguous block of working memory: side by side with other
// heads, a tile of keys would fall into a few sets of the cache.
import type { RegionViews } from '../../src/tensor/region.js';
import type { UnitRunner } from './unit.js';
import { entryWords, type GatherWork } from '../protocol.js';

export function gatherUnits(
  work: GatherWork,
  [entriesFrom, entriesTo]: readonly Float64Array[],
  views: RegionViews,
): UnitRunner {
  const copies = [
    { ...work.key, ...openCopy(work.key, views), word: entryWords.keyOffset },
    { ...work.value, ...openCopy(work.value, views), word: entryWords.valueOffset },
  ] as const;

  return ([entry, firstHead, endHead, which]) => {
    const row = entry! * entryWords.count;
    const { from, to, dims, source, target, word } = copies[which === 0 ? 0 : 1];
    const keys = entriesFrom![row + entryWords.keys]!;
    for (let head = firstHead!; head < endHead!; head++) {
      const read = entriesFrom![row + word]! + head * from.headStride;
      const write = entriesTo![row + word]! + head * to.headStride;
      copyRows({
        source,
        read,
        readStride: from.tokenStride,
        target,
        write,
        writeStride: to.tokenStride,
        keys,
        dims,
      });
    }
  };
}

function openCopy({ from, to }: GatherWork['key'], views: RegionViews): Pick<RowCopy, 'source' | 'target'> {
  return { source: views.floats(from.region), target: views.floats(to.region) };
}

interface RowCopy {
  source: Float32Array;
  read: number;
  readStride: number;
  target: Float32Array;
  write: number;
  writeStride: number;
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
