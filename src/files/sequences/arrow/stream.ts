// Sequences from the record batches of an Arrow file, one batch at a time.
import { Breather } from '../../../core/breather.js';
import { invalidFile } from '../../../core/errors.js';
import type {
  DamagedSequence,
  SequenceName,
  SequenceSpan,
  SequenceStream,
  StreamSource,
} from '../sequences.js';
import { BatchParts } from './batch-parts.js';
import { findColumns, type Columns } from './columns.js';
import { countViews, locateColumns } from './locate-columns.js';
import { openFileMessages } from './file-messages.js';
import type { ArrowMessage, MessageSource } from './messages.js';
import { openPipeMessages } from './pipe-messages.js';
import { readPlainNames } from './names.js';
import { openBatch } from './record-batch.js';
import { RowCursor } from '../row-cursor.js';

/**
 * @throws INVALID_FILE if the file is damaged, has no column of sequences or ends before `source.start`; INVALID_SHAPE
 * if its rows have another width; FILE_FAILED
 */
export async function openArrowStream(source: StreamSource): Promise<SequenceStream> {
  const { path, bytes, modelDim, start } = source;
  const messages = await (bytes === undefined ? openFileMessages(path) : openPipeMessages(path, bytes));
  try {
    const columns = findColumns(messages.schema, { path, modelDim });
    const stream = new ArrowStream({ path, modelDim, messages, columns });
    await stream.skip(start?.sequence ?? 0);
    return stream;
  } catch (error) {
    await messages.close();
    throw error;
  }
}

interface OpenSource {
  readonly path: string;
  readonly modelDim: number;
  readonly messages: MessageSource;
  readonly columns: Columns;
}

class ArrowStream implements SequenceStream {
  readonly path: string;
  readonly form = 'packed';
  readonly layout = undefined;
  readonly metadata: ReadonlyMap<string, string>;
  readonly #source: OpenSource;
  #dictionary: readonly SequenceName[] = [];
  #batch: RowCursor | undefined;
  readonly #breather = new Breather();
  /** What ended the stream, since what follows it must not be taken for its end. */
  #failure: Error | undefined;
  /** Behind the batch that is open. */
  #rows = 0;

  constructor(source: OpenSource) {
    this.path = source.path;
    this.metadata = source.messages.schema.metadata;
    this.#source = source;
  }

  async next(
    mostTokens: number,
    mostSequences?: number,
  ): Promise<SequenceSpan | DamagedSequence | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      for (;;) {
        const taken = this.#batch && (await this.#breather.run(this.#batch.take(mostTokens, mostSequences)));
        if (taken !== undefined) return taken;
        this.#batch = undefined;
        if (!(await this.#openNext(0))) return undefined;
      }
    } catch (error) {
      this.#failure = error as Error;
      throw error;
    }
  }

  /** Leaves out the first `rows` rows; only the batch in which they end is looked into. */
  async skip(rows: number): Promise<void> {
    while (this.#rows < rows) {
      if (!(await this.#openNext(rows))) {
        throw invalidFile(this.path, `at least ${rows}`, 'sequences', this.#rows);
      }
    }
  }

  close(): Promise<void> {
    return this.#source.messages.close();
  }

  /** Goes to the next batch, and opens it if it reaches beyond row `least`. False at the end. */
  async #openNext(least: number): Promise<boolean> {
    const { messages, columns, modelDim } = this.#source;
    for (;;) {
      const { value: message } = await messages.messages.next();
      if (message === undefined) return false;
      const { header } = message;
      if (header.kind === 'schema') {
        throw invalidFile(this.path, 'a single schema', message.place.label, header.kind);
      }
      if (header.kind === 'dictionary') {
        await this.#readDictionary(message);
        continue;
      }
      const { records } = header;
      if (!Number.isSafeInteger(this.#rows + records.length) || records.length < 0) {
        throw invalidFile(this.path, 'a number of rows', `${message.place.label}.length`, records.length);
      }
      const firstRow = this.#rows;
      const dictionary = this.#dictionary;
      this.#rows += records.length;
      if (this.#rows <= least && least > 0) return true;
      const size = messages.size;
      const batch = await openBatch({
        columns,
        modelDim,
        message,
        records,
        firstRow,
        dictionary,
        size,
      });
      this.#batch = new RowCursor(batch);
      this.#batch.skip(Math.max(0, least - firstRow));
      return true;
    }
  }

  /** Keeps the names that the indices of later batches stand for; other columns' dictionaries are passed over. */
  async #readDictionary(message: ArrowMessage): Promise<void> {
    const { header, place, version } = message;
    const field = this.#source.columns.names?.field;
    if (header.kind !== 'dictionary' || header.id !== field?.dictionary?.id) return;
    const { isDelta, data } = header;
    const { viewCounts } = data;
    const { type, children } = field;
    const values = { type, children, dictionary: undefined };
    const [start, end] = locateColumns([values], { viewCounts, version });
    const parts = new BatchParts(message, data, end!);
    const { length } = parts.node(0);
    const label = (row: number) => `${place.label}[${row}]`;
    const viewCount = countViews(viewCounts, 0);
    const nameAt = await readPlainNames({ parts, start: start!, viewCount, label }, type);
    const added = Array.from({ length }, (_, row) => nameAt(row));
    this.#dictionary = isDelta ? [...this.#dictionary, ...added] : added;
  }
}
