// Where the heads of a tensor lie, and the table that tells workers where each sequence starts.
import type { Entry } from '../../attention/batch.js';
import type { Region } from '../../core/tensor/region.js';
import type { Strided } from '../../core/protocol/strided.js';
import { entryWords } from '../../core/protocol/tables.js';

/** A tensor of heads: where element (entry, head, token, dim) lies. */
export interface HeadOperand {
  readonly layout: Strided;
  /** Elements from the start of the region to the token at a row of the batch. */
  readonly offsetOfRow: (row: number) => number;
}

/** Heads whose entries start where the table of entries says. */
export function headLayout(data: Region, headStride: number, rowStride: number): Strided {
  return { data, offset: 0, entryStride: 0, headStride, rowStride, columnStride: 1 };
}

/** Each head's tokens contiguous: side by side, a tile of keys would fall into a few sets of the cache. */
export function headMajor(region: Region, rows: number, dims: number): HeadOperand {
  return { layout: headLayout(region, rows * dims, dims), offsetOfRow: (row) => row * dims };
}

/** The heads of a token side by side: [rows, heads · dims]. */
export function tokenMajor(region: Region, heads: number, dims: number): HeadOperand {
  const rowStride = heads * dims;
  return { layout: headLayout(region, dims, rowStride), offsetOfRow: (row) => row * rowStride };
}

/** [batch, heads, tokens, dims], `tokens` of them a batch entry. */
export function batchMajor(region: Region, heads: number, tokens: number, dims: number): HeadOperand {
  return {
    layout: headLayout(region, tokens * dims, dims),
    // Of the first row of an entry: the rows before it, whole entries, have `heads` heads each.
    offsetOfRow: (row) => row * heads * dims,
  };
}

export interface EntryOperands {
  readonly query?: HeadOperand;
  readonly key: HeadOperand;
  readonly value?: HeadOperand;
  readonly output?: HeadOperand;
  readonly diagonalOf?: (entry: Entry) => number;
  readonly keyPositionOf?: (entry: Entry) => number;
  readonly logSumExpOffsetOf?: (entry: Entry, index: number) => number;
  readonly partialOffsets?: readonly number[];
  readonly statisticsOffsets?: readonly number[] | undefined;
  readonly pagesOf?: ((index: number) => { readonly pool: number; readonly offset: number }) | undefined;
}

/** [entries, entryWords.count] Float64. */
export function tableOfEntries(entries: readonly Entry[], operands: EntryOperands): Float64Array {
  const { query, key, value, output, diagonalOf, keyPositionOf, logSumExpOffsetOf } = operands;
  const { partialOffsets, statisticsOffsets, pagesOf } = operands;
  const table = new Float64Array(entries.length * entryWords.count);
  entries.forEach((entry, index) => {
    const row = table.subarray(index * entryWords.count, (index + 1) * entryWords.count);
    row[entryWords.queryOffset] = query?.offsetOfRow(entry.queryRow) ?? 0;
    row[entryWords.queries] = entry.queries;
    row[entryWords.keyOffset] = key.offsetOfRow(entry.keyRow);
    row[entryWords.valueOffset] = value?.offsetOfRow(entry.keyRow) ?? 0;
    row[entryWords.keys] = entry.keys;
    row[entryWords.newKeys] = entry.newKeys;
    row[entryWords.outputOffset] = output?.offsetOfRow(entry.queryRow) ?? 0;
    row[entryWords.diagonal] = diagonalOf?.(entry) ?? 0;
    row[entryWords.keyPosition] = keyPositionOf?.(entry) ?? 0;
    row[entryWords.logSumExpOffset] = logSumExpOffsetOf?.(entry, index) ?? 0;
    row[entryWords.partialOffset] = partialOffsets?.[index] ?? 0;
    const pages = pagesOf?.(index);
    row[entryWords.pool] = pages?.pool ?? 0;
    row[entryWords.pagesOffset] = pages?.offset ?? 0;
    row[entryWords.statisticsOffset] = statisticsOffsets?.[index] ?? 0;
  });
  return table;
}
