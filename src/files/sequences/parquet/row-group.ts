// One row group: its sequences and names, decoded by the package and in memory.
import { expected, invalidFile, type HeadpoolError } from '../../../core/errors.js';
import type { OpenRows } from '../row-cursor.js';
import type { SequenceName } from '../sequences.js';
import { malformed, readPages, type PageSource } from './check-pages.js';
import { namesColumn, type ParquetColumns } from './columns.js';
import type { FileMetaData, RowGroup } from './load-parquet.js';

export interface GroupSource extends PageSource {
  readonly metadata: FileMetaData;
  readonly group: RowGroup;
  readonly columns: ParquetColumns;
  readonly modelDim: number;
  /** Rows of the file before it, and of the whole file. */
  readonly firstRow: number;
  readonly allRows: number;
}

/** @throws INVALID_FILE, FILE_FAILED */
export async function openRowGroup(source: GroupSource): Promise<OpenRowGroup> {
  const { rows, hasNames } = source.columns;
  const values = await readColumn(source, rows.name);
  return new OpenRowGroup(source, values, hasNames ? await readColumn(source, namesColumn) : undefined);
}

/** By itself, as the package reads columns that lie together in one piece. */
async function readColumn(source: GroupSource, column: string): Promise<readonly unknown[]> {
  const { parquet, metadata, group, size, path, label } = source;
  const chunks = group.columns.filter((chunk) => chunk.meta_data?.path_in_schema[0] === column);
  if (chunks.length !== 1) throw invalidFile(path, `one column ${column}`, `${label}.columns`, chunks.length);
  const schema = parquet.parquetSchema(metadata);
  const { begin, bytes, compressors } = await readPages(source, chunks[0]!, schema);
  const slice = (from: number, to = size): ArrayBuffer => {
    if (from === begin && to === begin + bytes.length) return bytes.buffer;
    throw new Error(`bytes ${from} to ${to} are not those of the column`);
  };
  const values: unknown[] = [];
  try {
    await parquet.parquetRead({
      file: { byteLength: size, slice },
      metadata: { ...metadata, row_groups: [group], num_rows: group.num_rows },
      columns: [column],
      compressors,
      // Texts that are no UTF-8 are the matter of their rows.
      parsers: { stringFromBytes: (text) => text },
      onComplete: (rows: readonly (readonly unknown[])[]) => {
        for (const [value] of rows) values.push(value);
      },
    });
  } catch (cause) {
    throw malformed({ path, label }, cause);
  }
  const count = Number(group.num_rows);
  if (values.length === count) return values;
  throw invalidFile(path, `${count} rows`, label, values.length);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class OpenRowGroup implements OpenRows {
  readonly count: number;
  readonly firstRow: number;
  readonly hasNames: boolean;
  readonly #source: GroupSource;
  readonly #values: readonly unknown[];
  readonly #names: readonly unknown[] | undefined;

  constructor(source: GroupSource, values: readonly unknown[], names: readonly unknown[] | undefined) {
    this.count = values.length;
    this.firstRow = source.firstRow;
    this.hasNames = names !== undefined;
    this.#source = source;
    this.#values = values;
    this.#names = names;
  }

  lengthOf(row: number): number {
    return this.#tokensOf(row)?.length ?? 0;
  }

  check(row: number): SequenceName | HeadpoolError {
    const { path, columns, modelDim, firstRow } = this.#source;
    const field = `row ${firstRow + row}.${columns.rows.label}`;
    const tokens = this.#tokensOf(row);
    if (tokens === undefined) return invalidFile(path, 'a list', field, null);
    for (const [index, token] of tokens.entries()) {
      const place = columns.isSingle ? field : `${field}[${index}]`;
      if (!isList(token)) return invalidFile(path, 'a list', place, token);
      if (token.length !== modelDim) return invalidFile(path, `${modelDim} numbers`, place, token.length);
      const odd = token.findIndex((number) => typeof number !== 'number');
      if (odd >= 0) return invalidFile(path, 'a number', `${place}[${odd}]`, token[odd]);
    }
    return this.#nameOf(row);
  }

  read(first: number, end: number, target: Float32Array): Promise<void> {
    const { modelDim } = this.#source;
    const rows = Array.from({ length: end - first }, (_, index) => this.#tokensOf(first + index) ?? []);
    const count = rows.reduce((sum, tokens) => sum + tokens.length * modelDim, 0);
    if (target.length !== count) {
      throw expected('INVALID_SHAPE', `${count} numbers, ${modelDim} a token,`, 'target', target);
    }
    let at = 0;
    for (const token of rows.flat()) {
      target.set(token as ArrayLike<number>, at);
      at += modelDim;
    }
    return Promise.resolve();
  }

  shareBefore(row: number): number {
    return (this.#source.firstRow + row) / this.#source.allRows;
  }

  /** The tokens of a row; undefined where it has no list. */
  #tokensOf(row: number): readonly unknown[] | undefined {
    const value = this.#values[row];
    if (!isList(value)) return undefined;
    return this.#source.columns.isSingle ? [value] : value;
  }

  #nameOf(row: number): SequenceName | HeadpoolError {
    const name = this.#names?.[row];
    if (typeof name === 'number' || typeof name === 'string') return name;
    if (typeof name === 'bigint') return Number.isSafeInteger(Number(name)) ? Number(name) : String(name);
    if (!(name instanceof Uint8Array)) return null;
    try {
      return decoder.decode(name);
    } catch {
      const { path, firstRow } = this.#source;
      const text = Buffer.from(name).toString('latin1');
      return invalidFile(path, 'UTF-8', `row ${firstRow + row}.${namesColumn}`, text);
    }
  }
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
