// The sequences of a .jsonl file, or of standard input, in their order: only the lines of one span and the line
// after it are in memory.
import { Breather } from '../../../core/breather.js';
import type { Steps } from '../../../core/steps.js';
import { HeadpoolError, expected, invalidFile } from '../../../core/errors.js';
import type { ByteSource } from '../../byte-source.js';
import { openBytes } from '../../open-bytes.js';
import { mostSequencesOfSpan } from '../layout.js';
import { LineReader, type Line } from './lines.js';
import { parseRow, type JsonlRow } from './row.js';
import { spanOf } from './span.js';
import { skipBlanks } from './text.js';
import type {
  DamagedSequence,
  SequenceSpan,
  SequenceStream,
  StreamPosition,
  StreamSource,
} from '../sequences.js';

/** In bytes; a line is held whole while its numbers are read. */
const defaultLongestLine = 2 ** 28;

/** A line that was read: its row, or why there is none. */
type Entry = ({ readonly row: JsonlRow } | { readonly error: HeadpoolError }) & {
  readonly end: StreamPosition;
};

/**
 * @param options.longestLine in bytes; longer lines are damaged sequences. Default 2^28
 * @throws INVALID_SHAPE if the embedding has another width, INVALID_FILE if no line begins at `start`, FILE_FAILED
 */
export async function openJsonlStream(
  source: StreamSource,
  { longestLine = defaultLongestLine }: { longestLine?: number } = {},
): Promise<SequenceStream> {
  const { path, modelDim, embedding, start } = source;
  if (embedding !== undefined && embedding.modelDim !== modelDim) {
    throw expected('INVALID_SHAPE', `the width ${modelDim}`, 'embedding.modelDim', embedding.modelDim);
  }
  if (start !== undefined && start.sequence > 0 && start.byte === undefined) {
    throw expected('INVALID_OPTION', 'the bytes before the sequence', 'start.byte', undefined);
  }
  const byte = start?.byte ?? 0;
  // The byte before shows whether a line begins here.
  const back = byte > 0 ? 1 : 0;
  const before = { sequence: 0, byte: byte - back, line: (start?.line ?? 0) - back };
  const bytes = await openBytes(source, before.byte);
  try {
    const lines = new LineReader(bytes, { longestLine, givesUp: source.isEndedByDamage }, before);
    if (byte > 0) checkStart(path, { byte, size: bytes.size ?? byte, line: await lines.next() });
    return new JsonlStream(source, bytes, lines);
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

/** @param line what lies between the byte before the start and the next newline or the end */
function checkStart(
  path: string,
  { byte, size, line }: { byte: number; size: number; line: Line | undefined },
): void {
  if (size < byte) throw invalidFile(path, `at least the ${byte} bytes read before`, 'size', size);
  // One byte is the end of a last line, whose newline may have been added since.
  if (line !== undefined && line.byteLength > 1) {
    throw invalidFile(path, 'the beginning of a line', `byte ${byte}`, line.bytes?.toString('utf8', 1, 41));
  }
}

class JsonlStream implements SequenceStream {
  readonly path: string;
  readonly form = 'packed';
  readonly layout = undefined;
  readonly metadata: ReadonlyMap<string, string> = new Map();
  readonly #source: StreamSource;
  readonly #bytes: ByteSource;
  readonly #lines: LineReader;
  #sequence: number;
  /** Read, but after the last span. */
  #held: Entry | undefined;
  readonly #breather = new Breather();
  /** Why nothing more can be read. */
  #failure: { readonly error: unknown } | undefined;

  constructor(source: StreamSource, bytes: ByteSource, lines: LineReader) {
    this.path = source.path;
    this.#source = source;
    this.#bytes = bytes;
    this.#lines = lines;
    this.#sequence = source.start?.sequence ?? 0;
  }

  async next(
    mostTokens: number,
    mostSequences = mostSequencesOfSpan,
  ): Promise<SequenceSpan | DamagedSequence | undefined> {
    const rows: JsonlRow[] = [];
    let tokens = 0;
    let end: StreamPosition | undefined;
    while (rows.length < Math.min(mostSequences, mostSequencesOfSpan)) {
      const entry = await this.#takeEntry();
      if (entry === undefined) break;
      const isFirst = end === undefined;
      if ('error' in entry && isFirst) return entry;
      if ('error' in entry || (!isFirst && tokens + entry.row.length > mostTokens)) {
        this.#held = entry;
        break;
      }
      rows.push(entry.row);
      tokens += entry.row.length;
      end = entry.end;
    }
    if (end !== undefined) return spanOf(rows, this.#source, { end, size: this.#bytes.size });
    if (this.#failure !== undefined) throw this.#failure.error;
    return undefined;
  }

  close(): Promise<void> {
    return this.#bytes.close();
  }

  /** The next line that isn't blank; undefined at the end, and at a failure, which is kept. */
  async #takeEntry(): Promise<Entry | undefined> {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined || this.#failure !== undefined) return held;
    try {
      for (;;) {
        const line = await this.#lines.next();
        if (line === undefined) return undefined;
        if (!isBlank(line)) return await this.#toEntry(line);
      }
    } catch (error) {
      this.#failure = { error };
      return undefined;
    }
  }

  async #toEntry(line: Line): Promise<Entry> {
    const end = { sequence: ++this.#sequence, byte: line.end, line: line.number };
    try {
      return { row: await this.#breather.run(parseLine(line, this.#source, this.#lines.longestLine)), end };
    } catch (error) {
      if (!(error instanceof HeadpoolError)) throw error;
      return { error, end };
    }
  }
}

function isBlank({ bytes }: Line): boolean {
  return bytes !== undefined && skipBlanks(bytes, 0) === bytes.length;
}

function parseLine(
  { bytes, number, byteLength }: Line,
  source: StreamSource,
  longest: number,
): Steps<JsonlRow> {
  if (bytes !== undefined) return parseRow(bytes, number, source);
  throw invalidFile(source.path, `at most ${longest} bytes`, `line ${number}`, byteLength);
}
