// Where the tokens of one cached sequence lie. A table never changes: each step makes the next one and says which
// pages came or went, so that a call that fails leaves nothing to mend.
import type { PagePool } from './page-pool.js';

export interface PageTable {
  /** Page numbers, from logical page `firstPage` to the one that holds the last token. */
  readonly pages: readonly number[];
  /** The logical pages before it were given back. */
  readonly firstPage: number;
  /** Tokens seen: those held and those given back. */
  readonly tokens: number;
}

/** A table with room for new tokens. */
export interface Growth {
  readonly table: PageTable;
  readonly taken: readonly number[];
  /** The last page of the table before, which others hold too, and the taken page that stands in for it. */
  readonly copied?: { readonly from: number; readonly to: number };
}

/** A table that holds less, and the pages that it no longer names. */
export interface Reduction {
  readonly table: PageTable;
  readonly dropped: readonly number[];
}

export const emptyTable: PageTable = { pages: [], firstPage: 0, tokens: 0 };

/**
 * Pages for `batch` sequences without forks. A rolling one holds the last maxTokens tokens and as many new ones, and
 * starts anywhere in its first page.
 */
export function pagesFor(size: {
  readonly maxTokens: number;
  readonly batch: number;
  readonly rolling: boolean;
  readonly pageTokens: number;
}): number {
  const { maxTokens, batch, rolling, pageTokens } = size;
  const pages = rolling ? Math.ceil((2 * maxTokens - 1) / pageTokens) + 1 : Math.ceil(maxTokens / pageTokens);
  return pages * batch;
}

/** How many pages `grow` takes. */
export function missingPages(
  table: PageTable,
  newTokens: number,
  pool: PagePool,
  pageTokens: number,
): number {
  const end = Math.ceil((table.tokens + newTokens) / pageTokens) - table.firstPage;
  return end - table.pages.length + (sharedTail(table, newTokens, pool, pageTokens) === undefined ? 0 : 1);
}

/** Makes room for new tokens, in pages that no other table holds. The pool must have the `missingPages`. */
export function grow(table: PageTable, newTokens: number, pool: PagePool, pageTokens: number): Growth {
  const { pages, firstPage, tokens } = table;
  const from = sharedTail(table, newTokens, pool, pageTokens);
  const taken = Array.from({ length: missingPages(table, newTokens, pool, pageTokens) }, () => pool.take()!);
  const grown = { firstPage, tokens: tokens + newTokens };
  if (from !== undefined) {
    return {
      table: { ...grown, pages: [...pages.slice(0, -1), ...taken] },
      taken,
      copied: { from, to: taken[0]! },
    };
  }
  return { table: { ...grown, pages: taken.length === 0 ? pages : [...pages, ...taken] }, taken };
}

/** The partly filled last page, if it is to be written while others hold it. */
function sharedTail(
  { pages, tokens }: PageTable,
  newTokens: number,
  pool: PagePool,
  pageTokens: number,
): number | undefined {
  if (newTokens === 0 || tokens % pageTokens === 0) return undefined;
  const last = pages.at(-1)!;
  return pool.isShared(last) ? last : undefined;
}

/** Keeps the first `tokens` tokens: none, or no fewer than were given back. */
export function truncateTable(table: PageTable, tokens: number, pageTokens: number): Reduction {
  const firstPage = tokens === 0 ? 0 : table.firstPage;
  const kept = tokens === 0 ? 0 : Math.ceil(tokens / pageTokens) - firstPage;
  return {
    table: { pages: table.pages.slice(0, kept), firstPage, tokens },
    dropped: table.pages.slice(kept),
  };
}

/** Drops the pages that lie wholly before the last `keep` tokens. */
export function rollTable(table: PageTable, keep: number, pageTokens: number): Reduction {
  const { pages, tokens } = table;
  const firstPage = Math.max(table.firstPage, Math.floor((tokens - keep) / pageTokens));
  const count = firstPage - table.firstPage;
  if (count === 0) return { table, dropped: [] };
  return { table: { pages: pages.slice(count), firstPage, tokens }, dropped: pages.slice(0, count) };
}
