// One record batch: its offsets, its names and what is null in it are in memory; its numbers are read span by span, and
// are in memory too where the body is compressed.
import { HeadpoolError, expected } from '../../../core/errors.js';
import { readConverted } from '../../convert-stored.js';
import { bytesOf, readFully } from '../../positional-io.js';
import { bytesPerStored } from '../../storage.js';
import type { DamagedSequence, SequenceName, SequenceSpan } from '../sequences.js';
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

export class OpenBatch {
  readonly #source: BatchSource;
  readonly #rows: TokenRows;
  readonly #nameAt: NameReader | undefined;
  readonly #count: number;
  #next = 0;

  constructor(source: BatchSource, rows: TokenRows, nameAt?: NameReader) {
    this.#source = source;
    this.#rows = rows;
    this.#nameAt = nameAt;
    this.#count = source.records.length;
  }

  /** Leaves out `rows` rows. */
  skip(rows: number): void {
    this.#next += rows;
  }

  /** The next rows, at least one, up to `mostTokens`; undefined at the end of the batch. */
  take(mostTokens: number): SequenceSpan | DamagedSequence | undefined {
    const { offsets } = this.#rows;
    const first = this.#next;
    if (first >= this.#count) return undefined;
    const names: SequenceName[] = [];
    let end = first;
    while (end < this.#count && (end === first || offsets[end + 1]! - offsets[first]! <= mostTokens)) {
      const name = this.#check(end);
      if (name instanceof HeadpoolError) {
        if (end > first) break; // The rows in front of it come first.
        this.#next++;
        return { error: name, end: { sequence: this.#source.firstRow + this.#next } };
      }
      names.push(name);
      end++;
    }
    this.#next = end;
    return this.#span(first, end, names);
  }

  #span(first: number, end: number, names: readonly SequenceName[]): SequenceSpan {
    const { offsets } = this.#rows;
    const { firstRow, message, size } = this.#source;
    const done = end / this.#count;
    return {
      lengths: Array.from({ length: end - first }, (_, i) => offsets[first + i + 1]! - offsets[first + i]!),
      ...(this.#nameAt && { names }),
      read: (target) => this.#read(offsets[first]!, offsets[end]!, target),
      end: { sequence: firstRow + end },
      share: size === undefined ? undefined : (message.begin + done * (message.end - message.begin)) / size,
    };
  }

  /** The name of a row, or what is wrong with the row. */
  #check(row: number): SequenceName | HeadpoolError {
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

  async #read(begin: number, end: number, target: Float32Array): Promise<void> {
    const { modelDim, columns, message } = this.#source;
    const { dtype } = columns.rows;
    const count = (end - begin) * modelDim;
    if (target.length !== count) {
      throw expected('INVALID_SHAPE', `${count} numbers, ${modelDim} a token,`, 'target', target);
    }
    const { path } = message.place;
    const { file, position: byteOffset } = this.#rows.locate(begin);
    if (dtype === 'F32') return readFully(file, bytesOf(target), { path, position: byteOffset });
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
