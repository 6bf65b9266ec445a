// Reads the rows of a chunk into shared memory, one sequence behind the other, as one ragged batch.
import type { SequenceName } from '../files/sequences/sequences.js';
import type { Tensor } from '../tensor/tensor.js';
import { isDamage, type Chunk, type Failure, type Portion } from './chunks.js';
import type { InputSpan, Rows } from './input.js';
import type { RowBuffer } from './row-buffer.js';

/** A portion whose rows have been read: what becomes of it is known but for the computing. */
export interface LoadedPortion extends Omit<Portion, 'spans'> {
  readonly lengths: readonly number[];
  /** As many as lengths; absent if none has a name. */
  readonly names: readonly SequenceName[] | undefined;
}

export interface LoadedChunk {
  readonly portions: readonly LoadedPortion[];
  readonly tokens: number;
  readonly sequences: number;
  readonly inputs: { readonly query: Tensor; readonly key: Tensor; readonly value: Tensor };
  /** [sequences + 1] each. */
  readonly offsets: readonly number[];
  readonly keyOffsets: readonly number[];
}

/** Where the rows go; `key` is absent if they are the queries', `value` if they are the keys'. */
export interface InputBuffers {
  readonly query: RowBuffer;
  readonly key?: RowBuffer;
  readonly value?: RowBuffer;
}

export interface LoadOptions {
  /** Whether an input that can't be read is left out, with a failure; what the chunk has of it is too. */
  readonly isSkipping: boolean;
  /** Called for an input that has been read to its end. @throws INVALID_FILE if what was read can't be trusted */
  readonly check: (input: number) => Promise<void>;
}

/** @throws INVALID_FILE, FILE_FAILED */
export async function loadChunk(
  { portions }: Chunk,
  buffers: InputBuffers,
  { isSkipping, check }: LoadOptions,
): Promise<LoadedChunk> {
  const spans = portions.flatMap((portion) => portion.spans);
  const query = new RowFiller(
    buffers.query,
    spans.map((span) => span.query),
  );
  const key =
    buffers.key &&
    new RowFiller(
      buffers.key,
      spans.map((span) => span.key!),
    );
  const value =
    buffers.value &&
    new RowFiller(
      buffers.value,
      spans.map((span) => span.value!),
    );
  const fillers = [query, key, value].filter((filler) => filler !== undefined);

  const loaded: LoadedPortion[] = [];
  for (const portion of portions) {
    const begins = fillers.map((filler) => filler.mark());
    let failure: Failure | undefined;
    try {
      for (const span of portion.spans) {
        await query.read(span.query);
        await key?.read(span.key!);
        await value?.read(span.value!);
      }
      if (portion.isEnded && !portion.failures.some(isOfInput)) await check(portion.input);
    } catch (error) {
      if (!isSkipping || !isDamage(error)) throw error;
      fillers.forEach((filler, index) => {
        filler.goBack(begins[index]!);
      });
      failure = { input: portion.input, message: error.message };
    }
    loaded.push(conclude(portion, failure));
  }
  const queryTensor = query.tensor();
  const keyTensor = key?.tensor() ?? queryTensor;
  return {
    portions: loaded,
    tokens: queryTensor.shape[0]!,
    sequences: query.offsets.length - 1,
    inputs: { query: queryTensor, key: keyTensor, value: value?.tensor() ?? keyTensor },
    offsets: query.offsets,
    keyOffsets: key?.offsets ?? query.offsets,
  };
}

/** Whether the input as a whole failed. */
export function isOfInput({ sequence }: Failure): boolean {
  return sequence === undefined;
}

function conclude({ spans, ...portion }: Portion, failure: Failure | undefined): LoadedPortion {
  if (failure !== undefined) {
    const failures = [...portion.failures, failure];
    return { ...portion, isEnded: true, failures, lengths: [], names: undefined };
  }
  return { ...portion, lengths: spans.flatMap((span) => span.query.lengths), names: namesOf(spans) };
}

function namesOf(spans: readonly InputSpan[]): readonly SequenceName[] | undefined {
  if (spans.every(({ names }) => names === undefined)) return undefined;
  return spans.flatMap(({ names, query }) => names ?? query.lengths.map(() => null));
}

/** Fills a buffer with rows from its start. */
class RowFiller {
  readonly offsets = [0];
  readonly #buffer: RowBuffer;

  constructor(buffer: RowBuffer, all: readonly Rows[]) {
    this.#buffer = buffer;
    buffer.reserve(all.reduce((sum, { lengths }) => lengths.reduce((rows, length) => rows + length, sum), 0));
  }

  async read(rows: Rows): Promise<void> {
    const begin = this.offsets.at(-1)!;
    let end = begin;
    for (const length of rows.lengths) this.offsets.push((end += length));
    await rows.read(this.#buffer.rows(begin, end));
  }

  mark(): number {
    return this.offsets.length;
  }

  /** Forgets what was read since a mark. */
  goBack(mark: number): void {
    this.offsets.length = mark;
  }

  tensor(): Tensor {
    return this.#buffer.tensor(this.offsets.at(-1)!);
  }
}
