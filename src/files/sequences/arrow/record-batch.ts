// One record batch: its offsets, its names and what is null in it are in memory; its numbers are read span by span, and
// are in memory too where the body is compressed.
import { HeadpoolError, expected } from '../../../core/errors.js';
import { readConverted } from '../../convert-stored.js';
import { readFully } from '../../positional-io.js';
import { bytesPerStored } from '../../storage.js';
import type { OpenRows } from '../row-cursor.js';
import type { SequenceName } from '../sequences.js';
import { BatchParts } from './batch-parts.js';
import type { Columns } from './columns.js';
import { countViews, locateColumns } from './locate-columns.js';
import type { ArrowMessage } from './messages.js';
import type { RecordBatch } from './metadata.js';
import { readNames, type NameReader } from './names.js';
import { readTokenRows, type TokenRows } from './token-rows.js';

export interface BatchSource {
  readonly columns: Columns;
  readonly modelDim: number;
  readonly message: ArrowMessage;
  readonly records: RecordBatch;
  /** Rows of the file before it. */
  readonly firstRow: number;
  readonly dictionary: readonly SequenceName[];
  /** Bytes of the file; undefined for a pipe. */
  readonly size: number | undefined;
}

/** @throws INVALID_FILE, FILE_FAILED */
export async function openBatch(source: BatchSource): Promise<OpenBatch> {
  const { columns, modelDim, message, records, firstRow } = source;
  const { viewCounts, length: count } = records;
  const starts = locateColumns(columns.fields, { viewCounts, version: message.version });
  const parts = new BatchParts(message, records, starts.at(-1)!);
  const rowsStart = starts[columns.rows.index]!;
  const rows = await readTokenRows({ parts, start: rowsStart, column: columns.rows, modelDim, count });
  if (columns.names === undefined) return new OpenBatch(source, rows);
  const { index, name } = columns.names;
  const start = starts[index]!;
  parts.requireRows(start.node, count);
  const label = (row: number) => `row ${firstRow + row}.${name}`;
  const viewCount = countViews(viewCounts, start.view);
  const nameAt = await readNames({ parts, start, viewCount, label }, columns.names, source.dictionary);
  return new OpenBatch(source, rows, nameAt);
}

export class OpenBatch implements OpenRows {
  readonly count: number;
  readonly firstRow: number;
  readonly hasNames: boolean;
  readonly #source: BatchSource;
  readonly #rows: TokenRows;
  readonly #nameAt: NameReader | undefined;

  constructor(source: BatchSource, rows: TokenRows, nameAt?: NameReader) {
    this.count = source.records.length;
    this.firstRow = source.firstRow;
    this.hasNames = nameAt !== undefined;
    this.#source = source;
    this.#rows = rows;
    this.#nameAt = nameAt;
  }

  lengthOf(row: number): number {
    const { offsets } = this.#rows;
    return offsets[row + 1]! - offsets[row]!;
  }

  check(row: number): SequenceName | HeadpoolError {
    const { firstRow, columns } = this.#source;
    const fault = this.#rows.findFault(row, `row ${firstRow + row}.${columns.rows.name}`);
    if (fault !== undefined) return fault;
    try {
      return this.#nameAt?.(row) ?? null;
    } catch (error) {
      if (error instanceof HeadpoolError) return error;
      throw error;
    }
  }

  shareBefore(row: number): number | undefined {
    const { message, size } = this.#source;
    if (size === undefined) return undefined;
    return (message.begin + (row / this.count) * (message.end - message.begin)) / size;
  }

  async read(first: number, last: number, target: Float32Array): Promise<void> {
    const [begin, end] = [this.#rows.offsets[first]!, this.#rows.offsets[last]!];
    const { modelDim, columns, message } = this.#source;
    const { dtype } = columns.rows;
    const count = (end - begin) * modelDim;
    if (target.length !== count) {
      throw expected('INVALID_SHAPE', `${count} numbers, ${modelDim} a token,`, 'target', target);
    }
    const { path } = message.place;
    const { file, position: byteOffset } = this.#rows.locate(begin);
    if (dtype === 'F32') return readFully(file, target, { path, position: byteOffset });
    const byteLength = count * bytesPerStored(dtype);
    const tensor = {
      dtype,
      shape: [count],
      byteOffset,
      byteLength,
      isBigEndian: false,
      isFortranOrder: false,
    };
    return readConverted({ file, path, tensor }, target, 0);
  }
}
