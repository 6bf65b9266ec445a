// The cache of keys and values of a layer: which page holds which tokens of which sequence, for forks and rolling
// windows too. It keeps the books; the memory and what is written there are the engine's.
import { expected, HeadpoolError } from '../core/errors.js';
import type { Dtype } from '../core/tensor/dtype.js';
import type { ResolvedCacheOptions } from './cache-options.js';
import { PagePool } from './page-pool.js';
import { emptyTable, grow, missingPages, rollTable, truncateTable, type PageTable } from './page-table.js';

/** The pages in memory, numbered 0 … pageCount - 1: keys and values of `pageTokens` tokens each. */
export interface CacheStorage {
  readonly pageTokens: number;
  readonly pageCount: number;
  copyPage(from: number, to: number): void;
  free(): void;
}

/** What a cache is made of; `layer` is the layer that it belongs to. */
export interface CacheParts extends ResolvedCacheOptions {
  readonly layer: object;
  readonly storage: CacheStorage;
}

/** Where the tokens of one sequence lie during a call. */
export interface CachedSequence {
  /** Page numbers, with room for the new tokens at the end. */
  readonly pages: readonly number[];
  /** Tokens held before the call, counted from the first token of pages[0]; the new ones follow them. */
  readonly before: number;
  /** Position of the first token of pages[0] in the whole sequence. */
  readonly firstToken: number;
}

/** The use of a cache by one call. Whichever of `commit` and `rollback` comes first ends it; more do nothing. */
export interface CacheUpdate {
  /** One for each sequence, before anything of the call is counted. */
  readonly sequences: readonly CachedSequence[];
  /** Counts the new tokens, which must have been written. */
  commit(): void;
  /** Leaves the cache as it was before the call. */
  rollback(): void;
}

/** What a cache shares with its forks. */
interface Family {
  readonly pool: PagePool;
  /** Caches that still hold pages. */
  members: number;
}

/**
 * Keys and values of the tokens that a layer has seen, for `forward` with the option `cache`. One call at a time may
 * use a cache. Dispose it to give its memory back.
 */
export class KeyValueCache {
  readonly maxTokens: number;
  readonly batch: number;
  readonly dtype: Dtype;
  readonly rolling: boolean;
  readonly #parts: CacheParts;
  readonly #family: Family;
  #tables: readonly PageTable[];
  #isInUse = false;
  #isDisposed = false;

  /** Made by `layer.createCache`. @internal */
  constructor(
    parts: CacheParts,
    family: Family = { pool: new PagePool(parts.storage.pageCount), members: 0 },
  ) {
    this.maxTokens = parts.maxTokens;
    this.batch = parts.batch;
    this.dtype = parts.dtype;
    this.rolling = parts.rolling;
    this.#parts = parts;
    this.#family = family;
    this.#tables = Array.from({ length: parts.batch }, () => emptyTable);
    family.members++;
  }

  /** Whether `value` is a cache, and not something that looks like one. @internal */
  static isCache(value: unknown): value is KeyValueCache {
    return typeof value === 'object' && value !== null && #parts in value;
  }

  /** Tokens seen by each sequence; those of an open call don't count yet. */
  get tokens(): readonly number[] {
    return this.#tables.map(({ tokens }) => tokens);
  }

  /** The layer that it belongs to. @internal */
  get layer(): object {
    return this.#parts.layer;
  }

  /** @internal */
  get storage(): CacheStorage {
    return this.#parts.storage;
  }

  /** Pages that neither this cache nor a fork holds. @internal */
  get freePages(): number {
    return this.#family.pool.freePages;
  }

  /**
   * How many tokens before the first new one every sequence still has: a window may reach that far to the left.
   * Infinity while all are there. A rolling cache promises maxTokens, and less only after `truncate`.
   * @internal
   */
  get lookBack(): number {
    if (!this.rolling) return Infinity;
    const reaches = this.#tables.map((table) => {
      if (table.firstPage === 0 && table.tokens <= this.maxTokens) return Infinity;
      return Math.min(this.maxTokens, table.tokens - this.#firstToken(table));
    });
    return reaches.reduce((least, reach) => Math.min(least, reach), Infinity);
  }

  /**
   * A second cache that has seen the same tokens and goes on by itself. Both share their pages, and copy one when it
   * is to be written. They also share the capacity: together they hold no more than what this cache was made for.
   * @throws ENGINE_CLOSED, CACHE_IN_USE
   */
  fork(): KeyValueCache {
    this.#refuseUse();
    const fork = new KeyValueCache(this.#parts, this.#family);
    for (const { pages } of this.#tables) for (const page of pages) this.#family.pool.share(page);
    fork.#tables = this.#tables;
    return fork;
  }

  /**
   * Keeps the first `tokens` tokens of each sequence, one number for all or one for each, and forgets the rest. What
   * a rolling cache has given back does not return, so it is cut behind that, or to 0 to start anew.
   * @throws INVALID_OPTION, ENGINE_CLOSED, CACHE_IN_USE
   */
  truncate(tokens: number | readonly number[]): void {
    this.#refuseUse();
    const { pageTokens } = this.storage;
    const lengths = Array.isArray(tokens) ? (tokens as readonly number[]) : this.#tables.map(() => tokens);
    if (lengths.length !== this.batch) {
      throw expected('INVALID_OPTION', `${this.batch} lengths, one a sequence`, 'tokens', tokens);
    }
    const cuts = this.#tables.map((table, n) => {
      const least = this.#firstToken(table);
      const length = lengths[n] as number;
      const isHeld = Number.isInteger(length) && length >= least && length <= table.tokens;
      if (isHeld || length === 0) return truncateTable(table, length, pageTokens);
      const range = `${least === 0 ? '' : '0 or '}an integer from ${least} to ${table.tokens}`;
      const name = Array.isArray(tokens) ? `tokens[${n}]` : 'tokens';
      throw expected('INVALID_OPTION', `${range} (what sequence ${n} holds)`, name, length);
    });
    this.#tables = cuts.map(({ table }) => table);
    this.#give(cuts.flatMap(({ dropped }) => dropped));
  }

  /** Gives its pages back, and with the last of all forks the memory; an open call finishes first. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    if (!this.#isInUse) this.#release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * Opens the use by a call with so many new tokens for each sequence. All pages are taken here, and partly filled
   * ones that others hold are copied, so that the call writes where nobody else reads.
   * @throws ENGINE_CLOSED, CACHE_IN_USE; CACHE_FULL, with nothing taken
   * @internal
   */
  begin(newTokens: readonly number[]): CacheUpdate {
    this.#refuseUse();
    this.#refuseIfFull(newTokens);
    const { storage, maxTokens, rolling } = this.#parts;
    const { pool } = this.#family;
    const { pageTokens } = storage;
    const tables = this.#tables;
    const growths = tables.map((table, n) => grow(table, newTokens[n]!, pool, pageTokens));
    const copies = growths.flatMap(({ copied }) => copied ?? []);
    const end = this.#open();
    const rollback = (): void => {
      end(
        tables,
        growths.flatMap(({ taken }) => taken),
      );
    };
    const commit = (): void => {
      const ends = growths.map(({ table }) =>
        rolling ? rollTable(table, maxTokens, pageTokens) : { table, dropped: [] },
      );
      const dropped = [...copies.map(({ from }) => from), ...ends.flatMap((of) => of.dropped)];
      end(
        ends.map(({ table }) => table),
        dropped,
      );
    };
    try {
      for (const { from, to } of copies) storage.copyPage(from, to);
    } catch (error) {
      rollback();
      throw error;
    }
    const sequences = growths.map(({ table }, n): CachedSequence => {
      const firstToken = this.#firstToken(table);
      return { pages: table.pages, before: tables[n]!.tokens - firstToken, firstToken };
    });
    return { sequences, commit, rollback };
  }

  /** Marks the cache as in use; what it returns ends that once, with the new tables and the pages to give back. */
  #open(): (tables: readonly PageTable[], dropped: readonly number[]) => void {
    this.#isInUse = true;
    let isOver = false;
    return (tables, dropped) => {
      if (isOver) return;
      isOver = true;
      this.#isInUse = false;
      this.#tables = tables;
      this.#give(dropped);
      if (this.#isDisposed) this.#release();
    };
  }

  /** @throws ENGINE_CLOSED @internal */
  refuseIfDisposed(): void {
    if (this.#isDisposed) throw new HeadpoolError('ENGINE_CLOSED', 'The cache was disposed before the call');
  }

  #refuseUse(): void {
    this.refuseIfDisposed();
    if (this.#isInUse) {
      throw new HeadpoolError('CACHE_IN_USE', 'The cache is in use by another call; await that call first');
    }
  }

  #refuseIfFull(newTokens: readonly number[]): void {
    const { maxTokens, rolling, storage } = this.#parts;
    for (const [n, { tokens }] of this.#tables.entries()) {
      const count = newTokens[n]!;
      const held = rolling ? 0 : tokens;
      if (held + count <= maxTokens) continue;
      const has = rolling ? 'takes at most that many a call' : `holds ${held}`;
      throw new HeadpoolError(
        'CACHE_FULL',
        `The cache is made for ${maxTokens} tokens (maxTokens); sequence ${n} ${has}, and ${count} more were asked for`,
      );
    }
    const { pool } = this.#family;
    const missing = sum(
      this.#tables.map((table, n) => missingPages(table, newTokens[n]!, pool, storage.pageTokens)),
    );
    if (missing <= pool.freePages) return;
    throw new HeadpoolError(
      'CACHE_FULL',
      `${sum(newTokens)} more tokens take ${missing} pages of ${storage.pageTokens}, but the cache and its forks leave ` +
        `${pool.freePages} of ${storage.pageCount} free; ` +
        'dispose or truncate a fork, or create the cache with more maxTokens',
    );
  }

  #firstToken({ firstPage }: PageTable): number {
    return firstPage * this.storage.pageTokens;
  }

  #give(pages: readonly number[]): void {
    for (const page of pages) this.#family.pool.give(page);
  }

  #release(): void {
    this.#give(this.#tables.flatMap(({ pages }) => pages));
    this.#tables = [];
    if (--this.#family.members === 0) this.storage.free();
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
