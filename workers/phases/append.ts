// Units that write new keys and values into the pages of caches, at the precision in which these store them.
import { encodeInto } from '../../src/core/tensor/dtype.js';
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { AppendWork } from '../../src/core/protocol/head-work.js';
import { entryWords } from '../../src/core/protocol/tables.js';
import type { UnitRunner } from '../../src/core/protocol/tables.js';

export function appendUnits(
  { key, value, paging }: AppendWork,
  [entriesFrom, entriesTo]: readonly Float64Array[],
  views: RegionViews,
): UnitRunner {
  const { storage, pageKeys, pageStride } = paging;
  const pools = paging.pools.map((pool) => (storage === 'f32' ? views.floats(pool) : views.halves(pool)));
  const table = views.integers(paging.table);
  const copies = [
    { ...key, source: views.floats(key.from.data), offset: entryWords.keyOffset },
    { ...value, source: views.floats(value.from.data), offset: entryWords.valueOffset },
  ] as const;

  return ([entry, firstHead, endHead, firstRow, endRow]) => {
    const at = entry! * entryWords.count;
    const pool = pools[entriesFrom![at + entryWords.pool]!]!;
    const pages = entriesFrom![at + entryWords.pagesOffset]!;
    // The new keys are the last ones.
    const before = entriesFrom![at + entryWords.keys]! - entriesFrom![at + entryWords.newKeys]!;
    for (const { from, to, dims, source, offset } of copies) {
      for (let head = firstHead!; head < endHead!; head++) {
        const read = entriesFrom![at + offset]! + head * from.headStride;
        const inPage = entriesTo![at + offset]! + head * to.headStride;
        for (let row = firstRow!; row < endRow!; row++) {
          const token = before + row;
          const page = table[pages + Math.floor(token / pageKeys)]!;
          const write = page * pageStride + inPage + (token % pageKeys) * to.rowStride;
          const start = read + row * from.rowStride;
          store(pool, write, source.subarray(start, start + dims), storage);
        }
      }
    }
  };
}

function store(
  pool: Float32Array | Uint16Array,
  offset: number,
  numbers: Float32Array,
  storage: AppendWork['paging']['storage'],
): void {
  if (storage === 'f32') pool.set(numbers, offset);
  else encodeInto((pool as Uint16Array).subarray(offset, offset + numbers.length), numbers, storage);
}
