// One row group: its sequences and names, decoded and in memory.
import { expected, invalidFile, type HeadpoolError } from '../../../core/errors.js';
import type { OpenRows } from '../row-cursor.js';
import type { SequenceName } from '../sequences.js';
import { readNames, readTokens } from './column.js';
import { namesColumn, type ParquetColumns } from './columns.js';
import type { RowGroup, SchemaTree } from './load-parquet.js';
import { malformed } from './malformed.js';
import type { PageSource } from './pages.js';
import type { TokenLists } from './token-lists.js';
import type { NameValue } from './value-readers.js';

export interface GroupSource extends PageSource {
  /** Of the whole file. */
  readonly schema: SchemaTree;
  readonly group: RowGroup;
  readonly columns: ParquetColumns;
  readonly modelDim: number;
  /** Rows of the file before it, and of the whole file. */
  readonly firstRow: number;
  readonly allRows: number;
}

/** @throws INVALID_FILE, FILE_FAILED */
export async function openRowGroup(source: GroupSource): Promise<OpenRowGroup> {
  const { path, label, group, columns, modelDim } = source;
  const count = Number(group.num_rows);
  const requireRows = (found: number): void => {
    if (found !== count) throw invalidFile(path, `${count} rows`, label, found);
  };
  try {
    const tokens = await readTokens({ ...source, column: columns.rows.name }, modelDim);
    requireRows(tokens.lengths.length);
    if (!columns.hasNames) return new OpenRowGroup(source, tokens, undefined);
    const names = await readNames({ ...source, column: namesColumn });
    requireRows(names.length);
    return new OpenRowGroup(source, tokens, names);
  } catch (cause) {
    // The footer of a damaged file leaves out what its types say is always there.
    throw malformed(source, cause);
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class OpenRowGroup implements OpenRows {
  readonly count: number;
  readonly firstRow: number;
  readonly hasNames: boolean;
  readonly #source: GroupSource;
  readonly #tokens: TokenLists;
  readonly #names: readonly (NameValue | null)[] | undefined;

  constructor(source: GroupSource, tokens: TokenLists, names: readonly (NameValue | null)[] | undefined) {
    this.count = tokens.lengths.length;
    this.firstRow = source.firstRow;
    this.hasNames = names !== undefined;
    this.#source = source;
    this.#tokens = tokens;
    this.#names = names;
  }

  lengthOf(row: number): number {
    return this.#tokens.lengths[row]!;
  }

  check(row: number): SequenceName | HeadpoolError {
    return this.#refusalOf(row) ?? this.#nameOf(row);
  }

  read(first: number, end: number, target: Float32Array): Promise<void> {
    const numbers = this.#tokens.numbersOf(first, end);
    if (target.length !== numbers.length) {
      const what = `${numbers.length} numbers, ${this.#source.modelDim} a token,`;
      throw expected('INVALID_SHAPE', what, 'target', target);
    }
    target.set(numbers);
    return Promise.resolve();
  }

  shareBefore(row: number): number {
    return (this.#source.firstRow + row) / this.#source.allRows;
  }

  #refusalOf(row: number): HeadpoolError | undefined {
    const fault = this.#tokens.faultOf(row);
    if (fault === undefined) return undefined;
    const { path, columns, modelDim, firstRow } = this.#source;
    const { token, number, width } = fault;
    const field = `row ${firstRow + row}.${columns.rows.label}`;
    const place = token === undefined || columns.isSingle ? field : `${field}[${token}]`;
    if (width !== undefined) return invalidFile(path, `${modelDim} numbers`, place, width);
    if (number !== undefined) return invalidFile(path, 'a number', `${place}[${number}]`, null);
    return invalidFile(path, 'a list', place, null);
  }

  #nameOf(row: number): SequenceName | HeadpoolError {
    const name = this.#names?.[row] ?? null;
    if (typeof name === 'bigint') return Number.isSafeInteger(Number(name)) ? Number(name) : String(name);
    if (!(name instanceof Uint8Array)) return name;
    try {
      return decoder.decode(name);
    } catch {
      const { path, firstRow } = this.#source;
      const text = Buffer.from(name).toString('latin1');
      return invalidFile(path, 'UTF-8', `row ${firstRow + row}.${namesColumn}`, text);
    }
  }
}
