// Pages by number and the tables that name them: what is held is never handed out again, what is given back is.
import test from 'ava';
import fc from 'fast-check';
import { PagePool } from '../../src/attention/page-pool.js';
import {
  emptyTable,
  grow,
  missingPages,
  pagesFor,
  rollTable,
  truncateTable,
  type PageTable,
} from '../../src/attention/page-table.js';

const pageTokens = 4;

/** A table of so many tokens, in pages of the pool. */
function tableOf(pool: PagePool, tokens: number): PageTable {
  return grow(emptyTable, tokens, pool, pageTokens).table;
}

test('pages come in ascending order, then none', (t) => {
  const pool = new PagePool(3);
  t.deepEqual([pool.take(), pool.take(), pool.take(), pool.take()], [0, 1, 2, undefined]);
  t.is(pool.freePages, 0);
  t.is(pool.pageCount, 3);
});

test('the page given back last is taken first', (t) => {
  const pool = new PagePool(4);
  for (let n = 0; n < 3; n++) pool.take();
  pool.give(0);
  pool.give(2);
  t.deepEqual([pool.take(), pool.take(), pool.take()], [2, 0, 3]);
});

test('a page is free once every holder has given it back', (t) => {
  const pool = new PagePool(1);
  pool.take();
  t.false(pool.isShared(0));
  pool.share(0);
  pool.share(0);
  t.true(pool.isShared(0));
  pool.give(0);
  pool.give(0);
  t.false(pool.isShared(0));
  t.is(pool.take(), undefined);
  pool.give(0);
  t.is(pool.take(), 0);
});

test('a page without holders is neither given back nor shared', (t) => {
  const pool = new PagePool(2);
  pool.take();
  pool.give(0);
  for (const page of [0, 1, 2, -1]) {
    t.throws(() => {
      pool.give(page);
    });
    t.throws(() => {
      pool.share(page);
    });
  }
  t.is(pool.freePages, 2);
});

test('a pool without pages gives none', (t) => {
  t.is(new PagePool(0).take(), undefined);
});

test('a table grows by the pages that its new tokens need', (t) => {
  const pool = new PagePool(9);
  let table = emptyTable;
  const pages: number[] = [];
  for (let tokens = 0; tokens < 13; tokens++) {
    t.is(missingPages(table, 1, pool, pageTokens), tokens % 4 === 0 ? 1 : 0);
    const growth = grow(table, 1, pool, pageTokens);
    pages.push(...growth.taken);
    t.is(growth.copied, undefined);
    t.deepEqual(growth.table, { pages, firstPage: 0, tokens: tokens + 1 });
    table = growth.table;
  }
  t.deepEqual(pages, [0, 1, 2, 3]);
});

test('a table that grows by nothing stays', (t) => {
  const pool = new PagePool(2);
  const table = tableOf(pool, 3);
  pool.share(0);
  t.is(missingPages(table, 0, pool, pageTokens), 0);
  t.deepEqual(grow(table, 0, pool, pageTokens), { table, taken: [] });
  t.deepEqual(grow(emptyTable, 0, pool, pageTokens), { table: emptyTable, taken: [] });
});

test('a partly filled last page that others hold is replaced, a full one is not', (t) => {
  const pool = new PagePool(9);
  const partly = tableOf(pool, 6);
  pool.share(1);
  t.is(missingPages(partly, 1, pool, pageTokens), 1);
  t.is(missingPages(partly, 3, pool, pageTokens), 2);
  t.deepEqual(grow(partly, 3, pool, pageTokens), {
    table: { pages: [0, 2, 3], firstPage: 0, tokens: 9 },
    taken: [2, 3],
    copied: { from: 1, to: 2 },
  });
  const full = tableOf(pool, 4);
  pool.share(4);
  t.deepEqual(grow(full, 1, pool, pageTokens), {
    table: { pages: [4, 5], firstPage: 0, tokens: 5 },
    taken: [5],
  });
});

test('a first page that others hold does not make the last one copied', (t) => {
  const pool = new PagePool(9);
  const table = tableOf(pool, 6);
  pool.share(0);
  t.deepEqual(grow(table, 1, pool, pageTokens).taken, []);
});

test('truncating drops the pages that hold no kept token', (t) => {
  const table = { pages: [5, 6, 7], firstPage: 0, tokens: 9 };
  for (const [tokens, kept] of [
    [9, 3],
    [8, 2],
    [5, 2],
    [4, 1],
    [1, 1],
    [0, 0],
  ] as const) {
    t.deepEqual(truncateTable(table, tokens, pageTokens), {
      table: { pages: [5, 6, 7].slice(0, kept), firstPage: 0, tokens },
      dropped: [5, 6, 7].slice(kept),
    });
  }
});

test('truncating a rolled table keeps its first page, unless nothing is kept', (t) => {
  const table = { pages: [5, 6, 7], firstPage: 2, tokens: 18 };
  t.deepEqual(truncateTable(table, 13, pageTokens), {
    table: { pages: [5, 6], firstPage: 2, tokens: 13 },
    dropped: [7],
  });
  t.deepEqual(truncateTable(table, 8, pageTokens), {
    table: { pages: [], firstPage: 2, tokens: 8 },
    dropped: [5, 6, 7],
  });
  t.deepEqual(truncateTable(table, 0, pageTokens), { table: emptyTable, dropped: [5, 6, 7] });
});

test('rolling drops the pages wholly before the tokens to keep', (t) => {
  const table = { pages: [5, 6, 7], firstPage: 2, tokens: 18 };
  for (const [keep, dropped] of [
    [18, 0],
    [11, 0],
    [7, 0],
    [6, 1],
    [3, 1],
    [2, 2],
    [1, 2],
  ] as const) {
    const rolled = rollTable(table, keep, pageTokens);
    t.deepEqual(rolled.dropped, [5, 6, 7].slice(0, dropped), `${keep} kept`);
    t.deepEqual(rolled.table, { pages: [5, 6, 7].slice(dropped), firstPage: 2 + dropped, tokens: 18 });
  }
  t.deepEqual(rollTable(emptyTable, 3, pageTokens), { table: emptyTable, dropped: [] });
});

test('a cache that does not roll gets the pages of maxTokens for each sequence', (t) => {
  const pages = (maxTokens: number, batch: number): number =>
    pagesFor({ maxTokens, batch, rolling: false, pageTokens: 128 });
  t.deepEqual(
    [1, 127, 128, 129, 4096].map((maxTokens) => pages(maxTokens, 1)),
    [1, 1, 1, 2, 32],
  );
  t.is(pages(129, 3), 6);
});

test('a rolling cache gets the fewest pages that never run short', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 9 }), (maxTokens, size) => {
      let most = 0;
      for (let tokens = maxTokens; tokens < maxTokens + size; tokens++) {
        const first = Math.floor((tokens - maxTokens) / size);
        most = Math.max(most, Math.ceil((tokens + maxTokens) / size) - first);
      }
      t.is(pagesFor({ maxTokens, batch: 1, rolling: true, pageTokens: size }), most);
      t.is(pagesFor({ maxTokens, batch: 5, rolling: true, pageTokens: size }), 5 * most);
    }),
    { seed: 4, numRuns: 200 },
  );
});
