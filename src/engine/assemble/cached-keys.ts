// The caches of one call: their use from begin to commit, and their pages as operands of attention.
import type { CachedSequence, CacheStorage, CacheUpdate, KeyValueCache } from '../../attention/cache.js';
import type { Batch, Entry } from '../../attention/batch.js';
import type { Heads } from '../../core/protocol/layout.js';
import type { Region } from '../../core/tensor/region.js';
import { pageTokens, type Paging } from '../../core/protocol/layout.js';
import type { PagedOperand } from './assemble-attention.js';
import { planPhase, type AssemblyContext, type PlannedPhase } from './assembly.js';
import { headLayout, tableOfEntries, type HeadOperand } from './head-operand.js';
import { PageStorage } from '../page-storage.js';
import { planAppend } from '../plan/plan-heads.js';
import type { WorkingSet } from './working-set.js';

/** What a call does with its caches. */
export interface CacheUse {
  /** The batch, its keys counted from the first page that each sequence still has. */
  readonly batch: Batch;
  /** The pages of each entry, and the pool that they are of. */
  readonly sequences: readonly (CachedSequence & { readonly pool: number })[];
  readonly storages: readonly PageStorage[];
  commit(): void;
  rollback(): void;
}

/** @throws CACHE_FULL, CACHE_IN_USE, ENGINE_CLOSED; then no cache is changed */
export function beginUse(caches: readonly KeyValueCache[], batch: Batch): CacheUse {
  const updates: CacheUpdate[] = [];
  const rollback = (): void => {
    for (const update of updates) update.rollback();
  };
  const sequences: CacheUse['sequences'][number][] = [];
  try {
    for (const [pool, cache] of caches.entries()) {
      const entries = batch.entries.slice(sequences.length, sequences.length + cache.batch);
      const update = cache.begin(entries.map(({ newKeys }) => newKeys));
      updates.push(update);
      for (const sequence of update.sequences) sequences.push({ ...sequence, pool });
    }
  } catch (error) {
    rollback();
    throw error;
  }
  const entries = batch.entries.map((entry, n): Entry => {
    const { before, firstToken } = sequences[n]!;
    return { ...entry, keys: before + entry.newKeys, firstToken };
  });
  return {
    batch: { ...batch, entries },
    sequences,
    storages: caches.map(({ storage }) => ownStorage(storage)),
    commit: () => {
      for (const update of updates) update.commit();
    },
    rollback,
  };
}

function ownStorage(storage: CacheStorage): PageStorage {
  if (storage instanceof PageStorage) return storage;
  throw new TypeError('A cache of an engine has the memory of that engine');
}

interface NewKeys {
  readonly heads: Heads;
  readonly key: HeadOperand;
  readonly value: HeadOperand;
}

/** The phase that writes new keys and values into their pages, and the pages as attention reads them. @throws MEMORY_LIMIT */
export function assembleCached(
  { batch, sequences, storages }: CacheUse,
  { heads, key, value }: NewKeys,
  { memory, traits }: AssemblyContext,
): {
  readonly append: PlannedPhase;
  readonly key: HeadOperand;
  readonly value: HeadOperand;
  readonly paged: PagedOperand;
} {
  const { kvHeads, headDim, valueDim } = heads;
  const { table, offsets } = writeTable(sequences, memory);
  const pagesOf: PagedOperand['pagesOf'] = (n) => ({ pool: sequences[n]!.pool, offset: offsets[n]! });
  const paging: Paging = {
    storage: storages[0]!.dtype,
    pools: storages.map(({ region }) => region),
    table,
    pageKeys: pageTokens,
    pageStride: storages[0]!.pageStride,
  };
  const inPages = (dims: number, start: number): HeadOperand => ({
    layout: headLayout(storages[0]!.region, pageTokens * dims, dims),
    offsetOfRow: () => start,
  });
  const pages = { key: inPages(headDim, 0), value: inPages(valueDim, kvHeads * pageTokens * headDim) };
  const append = planPhase(
    'append',
    {
      kind: 'append',
      key: { from: key.layout, to: pages.key.layout, dims: headDim },
      value: { from: value.layout, to: pages.value.layout, dims: valueDim },
      paging,
    },
    planAppend(batch.entries, heads, traits.unitRows),
    [tableOfEntries(batch.entries, { key, value, pagesOf }), tableOfEntries(batch.entries, pages)],
  );
  return { append, ...pages, paged: { paging, pagesOf } };
}

/** The page numbers of all sequences, one sequence behind the other. */
function writeTable(
  sequences: CacheUse['sequences'],
  memory: WorkingSet,
): { readonly table: Region; readonly offsets: readonly number[] } {
  let length = 0;
  const offsets = sequences.map(({ pages }) => {
    const offset = length;
    length += pages.length;
    return offset;
  });
  const table = memory.allocate(length);
  const numbers = memory.views.integers(table);
  sequences.forEach(({ pages }, n) => {
    numbers.set(pages, offsets[n]);
  });
  return { table, offsets };
}
