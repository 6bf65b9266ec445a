// Units that copy the tokens of one head into a contiguous block of working memory: side by side with other
// heads, a tile of keys would fall into a few sets of the cache.
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { UnitRunner } from '../../src/core/protocol/tables.js';
import type { GatherWork } from '../../src/core/protocol/head-work.js';
import { entryWords, operandWords } from '../../src/core/protocol/tables.js';

export function gatherUnits(
  work: GatherWork,
  [entriesFrom, entriesTo]: readonly Float64Array[],
  views: RegionViews,
): UnitRunner {
  const copies = work.copies.map((copy) => ({
    ...copy,
    source: views.floats(copy.from.data),
    target: views.floats(copy.to.data),
    ...operandWords[copy.operand],
  }));

  return ([entry, firstHead, endHead, copy]) => {
    const row = entry! * entryWords.count;
    const { from, to, dims, source, target, offset, tokens } = copies[copy!]!;
    for (let head = firstHead!; head < endHead!; head++) {
      copyRows({
        source,
        read: entriesFrom![row + offset]! + head * from.headStride,
        readStride: from.rowStride,
        target,
        write: entriesTo![row + offset]! + head * to.headStride,
        writeStride: to.rowStride,
        rows: entriesFrom![row + tokens]!,
        dims,
      });
    }
  };
}

interface RowCopy {
  source: Float32Array;
  read: number;
  readStride: number;
  target: Float32Array;
  write: number;
  writeStride: number;
  rows: number;
  dims: number;
}

function copyRows({ source, read, readStride, target, write, writeStride, rows, dims }: RowCopy): void {
  if (readStride === dims && writeStride === dims) {
    target.set(source.subarray(read, read + rows * dims), write);
    return;
  }
  for (let j = 0; j < rows; j++) {
    const start = read + j * readStride;
    target.set(source.subarray(start, start + dims), write + j * writeStride);
  }
}
