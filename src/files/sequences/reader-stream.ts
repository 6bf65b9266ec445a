// Reads a file whose header tells every length as a stream: in order, a span at a time.
import { HeadpoolError, invalidFile } from '../../core/errors.js';
import type { SequenceReader, SequenceSpan, SequenceStream, StreamSource } from './sequences.js';

/**
 * Closes with its reader; the reader is closed too if this throws.
 * @throws INVALID_SHAPE if the file has another width than asked for, INVALID_FILE if it has no such position
 */
export async function streamOf(
  reader: SequenceReader,
  { path, modelDim, start }: Pick<StreamSource, 'path' | 'modelDim' | 'start'>,
): Promise<SequenceStream> {
  try {
    checkWidth(path, modelDim, reader.modelDim);
    if (start !== undefined && start.sequence > reader.count) {
      throw invalidFile(path, `at least ${start.sequence}`, 'sequences', reader.count);
    }
  } catch (error) {
    await reader.close();
    throw error;
  }
  return new ReaderStream(reader, start?.sequence ?? 0);
}

/** @throws INVALID_SHAPE */
export function checkWidth(path: string, modelDim: number, found: number): void {
  if (found === modelDim) return;
  throw new HeadpoolError(
    'INVALID_SHAPE',
    `${path}: expected modelDim ${modelDim}, as the weights have, got ${found}`,
  );
}

class ReaderStream implements SequenceStream {
  readonly #reader: SequenceReader;
  #sequence: number;

  constructor(reader: SequenceReader, sequence: number) {
    this.#reader = reader;
    this.#sequence = sequence;
  }

  get path() {
    return this.#reader.path;
  }

  get form() {
    return this.#reader.form;
  }

  get layout() {
    return this.#reader;
  }

  get metadata() {
    return this.#reader.metadata;
  }

  next(mostTokens: number, mostSequences = Infinity): Promise<SequenceSpan | undefined> {
    return Promise.resolve(this.#take(mostTokens, mostSequences));
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  #take(mostTokens: number, mostSequences: number): SequenceSpan | undefined {
    const { count, lengths, offsets, names } = this.#reader;
    const first = this.#sequence;
    if (first >= count) return undefined;
    const last = Math.min(count, first + mostSequences);
    let end = first + 1;
    while (end < last && offsets[end + 1]! - offsets[first]! <= mostTokens) end++;
    this.#sequence = end;
    const rows = offsets[count]!;
    return {
      lengths: lengths.slice(first, end),
      ...(names && { names: names.slice(first, end) }),
      read: (target) => this.#reader.read(first, end - first, target),
      readOne: (index, target) => this.#reader.read(first + index, 1, target),
      end: { sequence: end },
      // Sequences count as a little more than their rows, or files of empty ones would never move on.
      share: (offsets[end]! + end) / (rows + count),
    };
  }
}
