// Reads the rows of a chunk into shared memory, one sequence after the other, as one ragged batch.
import { countTokens } from '../files/sequences/layout.js';
import type { SequenceName } from '../files/sequences/sequences.js';
import type { Tensor } from '../core/tensor/tensor.js';
import { isDamage, isOfInput, type Chunk, type Failure, type Portion } from './chunks.js';
import type { InputSpan } from './input.js';
import type { RowBuffer } from './row-buffer.js';

/** A portion whose rows have been read: what becomes of it is known but for the computing. */
export interface LoadedPortion extends Omit<Portion, 'spans'> {
  readonly lengths: readonly number[];
  /** As many as lengths; absent if none has a name. */
  readonly names: readonly SequenceName[] | undefined;
  /** Of the whole input, if this is where it was taken. */
  readonly checksum?: number | undefined;
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
  /**
   * Called for an input of which rows have been read, maybe to its end; may give its checksum.
   * @throws INVALID_FILE if what was read can't be trusted
   */
  readonly vouch: (input: number, isEnded: boolean) => Promise<number | undefined>;
}

/** @throws INVALID_FILE, FILE_FAILED */
export async function loadChunk(
  { portions }: Chunk,
  buffers: InputBuffers,
  options: LoadOptions,
): Promise<LoadedChunk> {
  const spans = portions.flatMap((portion) => portion.spans);
  const fillers = createFillers(buffers, spans);
  const loaded: LoadedPortion[] = [];
  for (const portion of portions) loaded.push(await loadPortion(portion, fillers, options));
  const [query, key, value] = (['query', 'key', 'value'] as const).map((name) => {
    return fillers.find((filler) => filler.name === name);
  }) as [RowFiller, RowFiller | undefined, RowFiller | undefined];
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

/** Of an input that can't be read to its end, the sequences before the first that can't are kept. */
async function loadPortion(
  { spans, ...portion }: Portion,
  fillers: readonly RowFiller[],
  { isSkipping, vouch }: LoadOptions,
): Promise<LoadedPortion> {
  const first = fillers[0]!.count;
  const conclude = (failures: readonly Failure[], isEnded: boolean): LoadedPortion => {
    const kept = fillers[0]!.count - first;
    const names = namesOf(spans)?.slice(0, kept);
    return { ...portion, isEnded, failures, lengths: lengthsOf(spans).slice(0, kept), names };
  };
  try {
    for (const span of spans) await readSpan(span, fillers, isSkipping);
    const hasFailed = portion.failures.some(isOfInput);
    const checksum = hasFailed ? undefined : await vouch(portion.input, portion.isEnded);
    return { ...conclude(portion.failures, portion.isEnded), checksum };
  } catch (error) {
    if (!isSkipping || !isDamage(error)) throw error;
    return conclude([...portion.failures, { input: portion.input, message: error.message }], true);
  }
}

/** @throws what reading throws, all sequences before the first that can't be read kept if they are to be */
async function readSpan(span: InputSpan, fillers: readonly RowFiller[], isSkipping: boolean): Promise<void> {
  const first = fillers[0]!.count;
  try {
    for (const filler of fillers) await filler.read(span);
  } catch (error) {
    for (const filler of fillers) filler.goBack(first);
    if (!isSkipping || !isDamage(error)) throw error;
    await readOneByOne(span, fillers, error);
  }
}

async function readOneByOne(span: InputSpan, fillers: readonly RowFiller[], error: Error): Promise<void> {
  for (const index of span.query.lengths.keys()) {
    const before = fillers[0]!.count;
    try {
      for (const filler of fillers) await filler.readOne(span, index, error);
    } catch (failure) {
      for (const filler of fillers) filler.goBack(before);
      throw failure;
    }
  }
}

function lengthsOf(spans: readonly InputSpan[]): number[] {
  return spans.flatMap(({ query }) => query.lengths);
}

function namesOf(spans: readonly InputSpan[]): readonly SequenceName[] | undefined {
  if (spans.every(({ names }) => names === undefined)) return undefined;
  return spans.flatMap(({ names, query }) => names ?? query.lengths.map(() => null));
}

function createFillers(buffers: InputBuffers, spans: readonly InputSpan[]): RowFiller[] {
  return (['query', 'key', 'value'] as const).flatMap((name) => {
    const buffer = buffers[name];
    return buffer === undefined ? [] : [new RowFiller(name, buffer, spans)];
  });
}

/** Fills a buffer with the rows of spans from its start; what failed half-way leaves no sequence. */
class RowFiller {
  readonly name: 'query' | 'key' | 'value';
  readonly offsets = [0];
  readonly #buffer: RowBuffer;

  constructor(name: RowFiller['name'], buffer: RowBuffer, spans: readonly InputSpan[]) {
    this.name = name;
    this.#buffer = buffer;
    buffer.reserve(spans.reduce((rows, span) => rows + countTokens(span[name]!.lengths), 0));
  }

  /** Sequences so far. */
  get count(): number {
    return this.offsets.length - 1;
  }

  async read(span: InputSpan): Promise<void> {
    const rows = span[this.name]!;
    await rows.read(this.#room(countTokens(rows.lengths)));
    for (const length of rows.lengths) this.#add(length);
  }

  /** @throws what reading throws, or `otherwise` where a span can't be read one by one */
  async readOne(span: InputSpan, index: number, otherwise: Error): Promise<void> {
    const { lengths, readOne } = span[this.name]!;
    if (readOne === undefined) throw otherwise;
    await readOne(index, this.#room(lengths[index]!));
    this.#add(lengths[index]!);
  }

  /** Forgets the sequences from `count` on. */
  goBack(count: number): void {
    this.offsets.length = count + 1;
  }

  tensor(): Tensor {
    return this.#buffer.tensor(this.offsets.at(-1)!);
  }

  #room(length: number): Float32Array {
    const begin = this.offsets.at(-1)!;
    return this.#buffer.rows(begin, begin + length);
  }

  #add(length: number): void {
    this.offsets.push(this.offsets.at(-1)! + length);
  }
}
