// The column of sequences in one record batch: where each sequence's tokens and each token's numbers are, and what of
// them is null. The numbers themselves stay where they are.
import { invalidFile, type HeadpoolError } from '../../../core/errors.js';
import { bytesPerStored } from '../../storage.js';
import { findNull, type BatchParts, type Bitmap, type Stored } from './batch-parts.js';
import type { RowsColumn } from './columns.js';
import type { ColumnStart } from './locate-columns.js';

export interface RowsSource {
  readonly parts: BatchParts;
  readonly start: ColumnStart;
  readonly column: RowsColumn;
  readonly modelDim: number;
  /** Sequences of the batch. */
  readonly count: number;
}

interface RowsContents {
  /** [count + 1], counted in tokens. */
  readonly offsets: Float64Array;
  /** [tokens + 1], counted in numbers; undefined where every token has modelDim of them. */
  readonly tokenOffsets: Float64Array | undefined;
  readonly listNulls: Bitmap | undefined;
  readonly tokenNulls: Bitmap | undefined;
  readonly numberNulls: Bitmap | undefined;
  readonly numbers: Stored;
}

/** @throws INVALID_FILE, FILE_FAILED */
export async function readTokenRows(source: RowsSource): Promise<TokenRows> {
  const { parts, start, column, modelDim, count } = source;
  let { node, buffer } = start;
  let listNulls: Bitmap | undefined;
  let lists: Float64Array | undefined;
  parts.requireRows(node, count);
  if (column.listOffsetBytes !== undefined) {
    const { length: most } = parts.node(node + 1);
    const bytesPerOffset = column.listOffsetBytes;
    lists = await parts.offsets(buffer + 1, { count, bytesPerOffset, most });
    listNulls = await parts.bitmap(node, buffer);
    node += 1;
    buffer += 2;
  }

  const { length: tokens } = parts.node(node);
  const tokenNulls = await parts.bitmap(node, buffer);
  const { length: numberCount } = parts.node(node + 1);
  let tokenOffsets: Float64Array | undefined;
  if (column.tokenOffsetBytes !== undefined) {
    const bytesPerOffset = column.tokenOffsetBytes;
    tokenOffsets = await parts.offsets(buffer + 1, { count: tokens, bytesPerOffset, most: numberCount });
    buffer += 1;
  } else if (numberCount < tokens * modelDim) {
    throw parts.refuse(`at least ${tokens * modelDim}`, `nodes[${node + 1}].length`, numberCount);
  }
  const needed = tokenOffsets?.at(-1) ?? tokens * modelDim;
  const numberNulls = await parts.bitmap(node + 1, buffer + 1);
  const numbers = await parts.stored(buffer + 2, needed * bytesPerStored(column.dtype));
  // Made when the numbers are known to be there, which bounds the rows.
  const offsets = lists ?? Float64Array.from({ length: count + 1 }, (_, row) => row);
  return new TokenRows(source, { offsets, tokenOffsets, listNulls, tokenNulls, numberNulls, numbers });
}

export class TokenRows {
  readonly offsets: Float64Array;
  readonly #source: RowsSource;
  readonly #contents: RowsContents;

  constructor(source: RowsSource, contents: RowsContents) {
    this.offsets = contents.offsets;
    this.#source = source;
    this.#contents = contents;
  }

  /** Where the numbers of the tokens from `token` on are; those of tokens that are whole follow one another. */
  locate(token: number): Stored {
    const { file, position } = this.#contents.numbers;
    const { dtype } = this.#source.column;
    return { file, position: position + this.#firstNumber(token) * bytesPerStored(dtype) };
  }

  /** What is wrong with a row. @param field what messages call it */
  findFault(row: number, field: string): HeadpoolError | undefined {
    const { parts, column, modelDim } = this.#source;
    const { path } = parts.place;
    const { listNulls, tokenNulls, numberNulls, tokenOffsets } = this.#contents;
    const [begin, end] = [this.offsets[row]!, this.offsets[row + 1]!];
    const nameToken = (token: number): string =>
      column.listOffsetBytes === undefined ? field : `${field}[${token - begin}]`;
    if (findNull(listNulls, row, row + 1) >= 0) return invalidFile(path, 'a list', field, null);
    const missing = findNull(tokenNulls, begin, end);
    if (missing >= 0) return invalidFile(path, 'a list', nameToken(missing), null);
    for (let token = begin; tokenOffsets !== undefined && token < end; token++) {
      const width = tokenOffsets[token + 1]! - tokenOffsets[token]!;
      if (width !== modelDim) return invalidFile(path, `${modelDim} numbers`, nameToken(token), width);
    }
    const first = this.#firstNumber(begin);
    const number = findNull(numberNulls, first, this.#firstNumber(end)) - first;
    if (number < 0) return undefined;
    const token = begin + Math.floor(number / modelDim);
    return invalidFile(path, 'a number', `${nameToken(token)}[${number % modelDim}]`, null);
  }

  #firstNumber(token: number): number {
    return this.#contents.tokenOffsets?.[token] ?? token * this.#source.modelDim;
  }
}
