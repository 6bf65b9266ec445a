// Reads the rows of a chunk into shared memory, one sequence after the other, as one ragged batch.
import type { KeptFields, SequenceName } from '../files/sequences/sequences.js';
import type { Tensor } from '../core/tensor/tensor.js';
import { isDamage, isOfInput, type Chunk, type Failure, type Portion } from './chunks.js';
import type { InputSpan } from './input.js';
import { Inspector } from './inspector.js';
import type { NonFiniteCounts } from './non-finite.js';
import type { RowBuffer } from './row-buffer.js';
import { RowFiller } from './row-filler.js';

/** A portion whose rows have been read: what becomes of it is known but for the computing. */
export interface LoadedPortion extends Omit<Portion, 'spans'> {
  readonly lengths: readonly number[];
  /** As many as lengths; absent if none has a name. */
  readonly names: readonly SequenceName[] | undefined;
  /** As many as lengths; absent if none are kept. */
  readonly fields: readonly KeptFields[] | undefined;
  /** Absent if there are none. */
  readonly nonFinite?: NonFiniteCounts | undefined;
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
  /** Whether a sequence with NaN or infinities is damaged. */
  readonly isRefusingNonFinite: boolean;
  /** For messages. */
  readonly pathOf: (input: number) => string;
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
  options: LoadOptions,
): Promise<LoadedPortion> {
  const { isSkipping, vouch } = options;
  const inspector = new Inspector(portion.input, fillers, options);
  const conclude = (failures: readonly Failure[], isEnded: boolean): LoadedPortion => {
    const keep = <T>(list: readonly T[]): T[] => inspector.kept.map((index) => list[index]!);
    const [names, fields, { nonFinite }] = [namesOf(spans), fieldsOf(spans), inspector];
    return {
      ...portion,
      isEnded,
      failures: [...failures, ...inspector.failures],
      lengths: keep(lengthsOf(spans)),
      names: names && keep(names),
      fields: fields && keep(fields),
      ...(nonFinite.numbers > 0 && { nonFinite }),
    };
  };
  try {
    for (const span of spans) {
      const first = fillers[0]!.count;
      try {
        await readSpan(span, fillers, isSkipping);
      } finally {
        inspector.inspect(span, first);
      }
    }
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

function fieldsOf(spans: readonly InputSpan[]): readonly KeptFields[] | undefined {
  if (spans.every(({ fields }) => fields === undefined)) return undefined;
  return spans.flatMap(({ fields, query }) => fields ?? query.lengths.map(() => ''));
}

function createFillers(buffers: InputBuffers, spans: readonly InputSpan[]): RowFiller[] {
  return (['query', 'key', 'value'] as const).flatMap((name) => {
    const buffer = buffers[name];
    return buffer === undefined ? [] : [new RowFiller(name, buffer, spans)];
  });
}
