// Sequences from the row groups of a Parquet file, one group at a time.
import type { FileHandle } from 'node:fs/promises';
import { Breather, runSteps } from '../../../core/breather.js';
import { invalidFile } from '../../../core/errors.js';
import { attempt } from '../../attempt.js';
import { openRegularFile } from '../../open-file.js';
import { readFully } from '../../positional-io.js';
import { RowCursor } from '../row-cursor.js';
import type { DamagedSequence, SequenceSpan, SequenceStream, StreamSource } from '../sequences.js';
import { findParquetColumns, type ParquetColumns } from './columns.js';
import { readFooter } from './footer.js';
import type { FileMetaData, ParquetReading, SchemaTree } from './load-parquet.js';
import { guard, malformed } from './malformed.js';
import { openRowGroup } from './row-group.js';

const magic = 'PAR1';
/** The length of the footer and the magic after it. */
const trailerBytes = 8;
const longestFooter = 2 ** 28;

/**
 * @throws INVALID_FILE if the file is damaged, has no column of sequences or ends before `source.start`; FILE_FAILED
 */
export async function openParquetStream(
  parquet: ParquetReading,
  source: StreamSource,
): Promise<SequenceStream> {
  const { path, modelDim, start } = source;
  const { handle, size } = await openRegularFile(path);
  try {
    const metadata = await readMetadata(parquet, { path, handle, size });
    // The footer of a damaged file is not what its types say.
    const stream = guard({ path, label: 'footer' }, () => {
      const schema = parquet.parquetSchema(metadata);
      const columns = findParquetColumns(schema, path);
      return new ParquetStream({ parquet, path, handle, size, modelDim, metadata, schema, columns });
    });
    await stream.skip(start?.sequence ?? 0);
    return stream;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readMetadata(
  parquet: ParquetReading,
  { path, handle, size }: { path: string; handle: FileHandle; size: number },
): Promise<FileMetaData> {
  if (size < trailerBytes + magic.length) throw invalidFile(path, 'at least 12 bytes', 'file', size);
  const trailer = Buffer.alloc(trailerBytes);
  await readFully(handle, trailer, { path, position: size - trailerBytes });
  const ending = trailer.toString('latin1', 4);
  if (ending !== magic) throw invalidFile(path, `a footer that ends in ${magic}`, 'footer', ending);
  const length = trailer.readUInt32LE(0);
  const most = Math.min(longestFooter, size - trailerBytes - magic.length);
  if (length > most) throw invalidFile(path, `a length up to ${most}`, 'footer', length);
  const footer = new Uint8Array(length + trailerBytes);
  await readFully(handle, footer, { path, position: size - footer.length });
  try {
    return await runSteps(readFooter(parquet, footer));
  } catch (cause) {
    throw malformed({ path, label: 'footer' }, cause);
  }
}

interface OpenSource {
  readonly parquet: ParquetReading;
  readonly path: string;
  readonly handle: FileHandle;
  readonly size: number;
  readonly modelDim: number;
  readonly metadata: FileMetaData;
  readonly schema: SchemaTree;
  readonly columns: ParquetColumns;
}

class ParquetStream implements SequenceStream {
  readonly path: string;
  readonly form = 'packed';
  readonly layout = undefined;
  readonly metadata: ReadonlyMap<string, string>;
  readonly #source: OpenSource;
  readonly #allRows: number;
  readonly #breather = new Breather();
  #group: RowCursor | undefined;
  #nextGroup = 0;
  /** In front of the next group. */
  #rows = 0;
  /** What ended the stream, since what follows it must not be taken for its end. */
  #failure: Error | undefined;

  constructor(source: OpenSource) {
    const { key_value_metadata: pairs = [], row_groups: groups } = source.metadata;
    this.path = source.path;
    this.metadata = new Map(pairs.map(({ key, value }) => [key, value ?? '']));
    this.#source = source;
    this.#allRows = groups.reduce((sum, _, index) => sum + this.#countRows(index), 0);
  }

  async next(
    mostTokens: number,
    mostSequences?: number,
  ): Promise<SequenceSpan | DamagedSequence | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      for (;;) {
        const taken = this.#group && (await this.#breather.run(this.#group.take(mostTokens, mostSequences)));
        if (taken !== undefined) return taken;
        this.#group = undefined;
        if (!(await this.#openNext())) return undefined;
      }
    } catch (error) {
      this.#failure = error as Error;
      throw error;
    }
  }

  /** Leaves out the first `rows` rows; only the group in which they end is looked into. */
  async skip(rows: number): Promise<void> {
    if (rows > this.#allRows) throw invalidFile(this.path, `at least ${rows}`, 'sequences', this.#allRows);
    while (this.#rows + this.#countRows(this.#nextGroup) <= rows && this.#rows < rows) {
      this.#rows += this.#countRows(this.#nextGroup++);
    }
    const left = rows - this.#rows;
    if (left > 0 && (await this.#openNext())) this.#group?.skip(left);
  }

  close(): Promise<void> {
    return attempt(this.path, 'close', () => this.#source.handle.close());
  }

  #countRows(index: number): number {
    const rows = Number(this.#source.metadata.row_groups[index]?.num_rows ?? 0);
    if (Number.isSafeInteger(rows) && rows >= 0) return rows;
    throw invalidFile(this.path, 'a number of rows', `row group ${index}`, rows);
  }

  /** False at the end. */
  async #openNext(): Promise<boolean> {
    const { metadata, handle, ...source } = this.#source;
    const index = this.#nextGroup;
    const group = metadata.row_groups[index];
    if (group === undefined) return false;
    const firstRow = this.#rows;
    this.#nextGroup++;
    this.#rows += this.#countRows(index);
    const label = `row group ${index}`;
    const allRows = this.#allRows;
    const rows = await openRowGroup({ ...source, file: handle, group, label, firstRow, allRows });
    this.#group = new RowCursor(rows);
    return true;
  }
}
