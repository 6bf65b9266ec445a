// One record batch: its offsets, its names and what is null in it are in memory; its numbers are read span by span.
import type { RecordBatch } from 'apache-arrow/ipc/metadata/message';
import { HeadpoolError, expected, invalidFile } from '../../../core/errors.js';
import { readConverted } from '../../convert-stored.js';
import { bytesOf, readFully } from '../../positional-io.js';
import { bytesPerStored } from '../../storage.js';
import type { DamagedSequence, SequenceName, SequenceSpan } from '../sequences.js';
import { BatchParts, findNull, type Bitmap } from './batch-parts.js';
import type { Columns } from './columns.js';
import type { ArrowPackage } from './load-arrow.js';
import { countViews, locateColumns } from './locate-columns.js';
import type { ArrowMessage } from './messages.js';
import { readNames, type NameReader } from './names.js';

export interface BatchSource {
  readonly pkg: ArrowPackage;
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

interface Nulls {
  readonly lists: Bitmap | undefined;
  readonly rows: Bitmap | undefined;
  readonly numbers: Bitmap | undefined;
}

interface BatchContents {
  readonly parts: BatchParts;
  /** [rows + 1], counted in tokens. */
  readonly offsets: Float64Array;
  readonly nulls: Nulls;
  readonly nameAt: NameReader | undefined;
  /** Where the numbers begin in the body's file. */
  readonly position: number;
}

/** @throws INVALID_FILE, FILE_FAILED */
export async function openBatch(source: BatchSource): Promise<OpenBatch> {
  const { pkg, columns, modelDim, message, records, firstRow } = source;
  const { variadicBufferCounts: viewCounts } = records;
  const starts = locateColumns(pkg, columns.types, { viewCounts, version: message.version });
  const parts = new BatchParts(message, records, starts.at(-1)!);
  const { node, buffer } = starts[columns.rows.index]!;
  requireRows(parts, node, records.length);

  const { length: tokens } = parts.node(node + 1);
  const { length: numbers } = parts.node(node + 2);
  if (numbers < tokens * modelDim) {
    throw parts.refuse(`at least ${tokens * modelDim}`, `nodes[${node + 2}].length`, numbers);
  }
  const { position } = parts.region(buffer + 4, tokens * modelDim * bytesPerStored(columns.rows.dtype));
  const offsets = await parts.offsets(buffer + 1, {
    count: records.length,
    bytesPerOffset: columns.rows.offsetBytes,
    most: tokens,
  });
  const nulls = {
    lists: await parts.bitmap(node, buffer),
    rows: await parts.bitmap(node + 1, buffer + 2),
    numbers: await parts.bitmap(node + 2, buffer + 3),
  };
  let nameAt: NameReader | undefined;
  if (columns.names !== undefined) {
    const start = starts[columns.names.index]!;
    requireRows(parts, start.node, records.length);
    const label = (row: number) => `row ${firstRow + row}.${columns.names!.name}`;
    const viewCount = countViews(viewCounts, start.view);
    nameAt = await readNames({ pkg, parts, start, viewCount, label }, columns.names, source.dictionary);
  }
  return new OpenBatch(source, { parts, offsets, nulls, nameAt, position });
}

function requireRows(parts: BatchParts, node: number, rows: number): void {
  const { length } = parts.node(node);
  if (length !== rows) throw parts.refuse(`${rows}, as the batch has`, `nodes[${node}].length`, length);
}

export class OpenBatch {
  readonly #source: BatchSource;
  readonly #contents: BatchContents;
  readonly #rows: number;
  #next = 0;

  constructor(source: BatchSource, contents: BatchContents) {
    this.#source = source;
    this.#contents = contents;
    this.#rows = contents.offsets.length - 1;
  }

  /** Leaves out `rows` rows. */
  skip(rows: number): void {
    this.#next += rows;
  }

  /** The next rows, at least one, up to `mostTokens`; undefined at the end of the batch. */
  take(mostTokens: number): SequenceSpan | DamagedSequence | undefined {
    const { offsets } = this.#contents;
    const first = this.#next;
    if (first >= this.#rows) return undefined;
    const names: SequenceName[] = [];
    let end = first;
    while (end < this.#rows && (end === first || offsets[end + 1]! - offsets[first]! <= mostTokens)) {
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
    const { offsets, nameAt } = this.#contents;
    const { firstRow, message, size } = this.#source;
    const done = end / this.#rows;
    return {
      lengths: Array.from({ length: end - first }, (_, i) => offsets[first + i + 1]! - offsets[first + i]!),
      ...(nameAt && { names }),
      read: (target) => this.#read(offsets[first]!, offsets[end]!, target),
      end: { sequence: firstRow + end },
      share: size === undefined ? undefined : (message.begin + done * (message.end - message.begin)) / size,
    };
  }

  /** The name of a row, or what is wrong with the row. */
  #check(row: number): SequenceName | HeadpoolError {
    const { path } = this.#source.message.place;
    const { offsets, nulls, nameAt } = this.#contents;
    const { modelDim, columns } = this.#source;
    const field = `row ${this.#source.firstRow + row}.${columns.rows.name}`;
    const [begin, end] = [offsets[row]!, offsets[row + 1]!];
    if (findNull(nulls.lists, row, row + 1) >= 0) return invalidFile(path, 'a list', field, null);
    const token = findNull(nulls.rows, begin, end);
    if (token >= 0) return invalidFile(path, 'a list', `${field}[${token - begin}]`, null);
    const number = findNull(nulls.numbers, begin * modelDim, end * modelDim);
    if (number >= 0) {
      const element = `[${Math.floor(number / modelDim) - begin}][${number % modelDim}]`;
      return invalidFile(path, 'a number', field + element, null);
    }
    try {
      return nameAt?.(row) ?? null;
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
    const { handle: file } = message.body;
    const byteOffset = this.#contents.position + begin * modelDim * bytesPerStored(dtype);
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
