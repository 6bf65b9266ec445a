// One input of a run while it is read: its sequences in order, with the keys and values that they attend.
import { HeadpoolError } from '../core/errors.js';
import { formatNamed, formatOf, openSequences } from '../files/sequences/formats.js';
import { checkWidth } from '../files/sequences/reader-stream.js';
import type {
  DamagedSequence,
  KeptFields,
  SequenceName,
  SequenceReader,
  SequenceSpan,
  SequenceStream,
  StreamPosition,
} from '../files/sequences/sequences.js';
import { widthOf, type InputRange, type RunInput, type RunRequest } from './request.js';

/** Rows of sequences that follow one another, to be read when there is room for them. */
export interface Rows {
  readonly lengths: readonly number[];
  read(target: Float32Array): Promise<void>;
  /** One of the sequences alone, where a read of all may fail for one of them. */
  readonly readOne?: (index: number, target: Float32Array) => Promise<void>;
}

/** Sequences of one input; keys and values are absent where they are the queries and the keys. */
export interface InputSpan {
  readonly query: Rows;
  readonly key?: Rows;
  readonly value?: Rows;
  readonly names?: readonly SequenceName[];
  readonly fields?: readonly KeptFields[];
  readonly end: StreamPosition;
  readonly share: number | undefined;
}

export interface OpenInput {
  readonly stream: SequenceStream;
  /** Tokens that each of its sequences attends, as far as headers tell them. */
  readonly keyLengths: readonly number[] | undefined;
  /** @throws as `SequenceStream.next`, and INVALID_SHAPE if there are more sequences than keys */
  next(mostTokens: number): Promise<InputSpan | DamagedSequence | undefined>;
  close(): Promise<void>;
}

export interface InputPlace {
  readonly start?: StreamPosition | undefined;
  /** What standard input delivers, for the input that is read from there. */
  readonly bytes?: AsyncIterable<Uint8Array> | undefined;
}

/**
 * @throws INVALID_FILE, FILE_FAILED, INVALID_SHAPE where a file doesn't fit the weights or another file,
 * INVALID_OPTION where keys or values are of a format that has to be read from its start
 */
export async function openInput(
  request: RunRequest,
  { path, format, range }: RunInput,
  { start = range?.start, bytes }: InputPlace = {},
): Promise<OpenInput> {
  const { key: keyPath, value: valuePath, embedding } = request;
  const ofInput = format === undefined ? formatOf(path, 'input') : formatNamed(format);
  const modelDim = widthOf(request, 'query');
  const closers: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(closers.map((file) => file.close()));
  };
  const keep = <T extends { close(): Promise<void> }>(file: T): T => {
    closers.push(file);
    return file;
  };
  try {
    const stream = keep(
      await ofInput.openStream({
        path,
        modelDim,
        start,
        isEndedByDamage: request.onError === 'stop',
        embedding: embedding?.table,
        tensors: request.tensors?.query,
        fields: request.fields,
        ...(bytes && { bytes }),
      }),
    );
    const key = keyPath === undefined ? undefined : keep(await openRows(keyPath, request, 'key'));
    const value = valuePath === undefined ? undefined : keep(await openRows(valuePath, request, 'value'));
    // What headers tell is checked before anything is computed, the rest as it comes.
    if (stream.layout !== undefined) checkCounts(path, stream.layout.count, { key, value });
    const keyLengths = key?.lengths ?? stream.layout?.lengths;
    if (value !== undefined && keyLengths !== undefined)
      checkLengths({ path: keyPath ?? path, lengths: keyLengths }, value);
    // What is attended is the input itself, so it must fit the weights of keys and values too.
    if (key === undefined) checkWidth(path, widthOf(request, 'key'), modelDim);
    if (value === undefined)
      checkWidth(keyPath ?? path, widthOf(request, 'value'), key?.modelDim ?? modelDim);
    const attended = { key, value };
    let sequence = start?.sequence ?? 0;
    return {
      stream,
      keyLengths,
      close,
      async next(mostTokens) {
        const mostSequences = range === undefined || range.isLast ? undefined : endOf(range) - sequence;
        if (mostSequences === 0) return undefined;
        const budget = key === undefined ? mostTokens : fitKeys(stream, key, sequence, mostTokens);
        const span = await stream.next(budget, mostSequences);
        if (span === undefined) {
          checkCounts(path, sequence, attended);
          return undefined;
        }
        const first = sequence;
        sequence = span.end.sequence;
        if ('error' in span) return span;
        const attending = attend(span, attended, { path, first });
        return range === undefined ? attending : { ...attending, share: shareOf(range, sequence) };
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Number of the first sequence after a range. */
function endOf({ start, sequences }: InputRange): number {
  return start.sequence + sequences;
}

/** How much of a range lies before sequence `end`. */
function shareOf(range: InputRange, end: number): number {
  return Math.min(1, (end - range.start.sequence) / Math.max(1, range.sequences));
}

async function openRows(path: string, request: RunRequest, name: 'key' | 'value'): Promise<SequenceReader> {
  const reader = await openSequences(path, request.tensors?.[name]);
  try {
    checkWidth(path, widthOf(request, name), reader.modelDim);
    return reader;
  } catch (error) {
    await reader.close();
    throw error;
  }
}

interface Attended {
  readonly key: SequenceReader | undefined;
  readonly value: SequenceReader | undefined;
}

/** The rows that a span's sequences attend. @throws INVALID_SHAPE if there are none for some, or not of one length */
function attend(
  span: SequenceSpan,
  { key, value }: Attended,
  { path, first }: { readonly path: string; readonly first: number },
): InputSpan {
  const { lengths, names, fields, end, share } = span;
  const count = lengths.length;
  const rowsOf = (reader: SequenceReader): Rows => {
    if (first + count > reader.count) throw miscounted(reader, path, first + count);
    return {
      lengths: reader.lengths.slice(first, first + count),
      read: (target) => reader.read(first, count, target),
      readOne: (index, target) => reader.read(first + index, 1, target),
    };
  };
  const keyRows = key && rowsOf(key);
  const valueRows = value && rowsOf(value);
  if (valueRows !== undefined && key === undefined)
    checkLengths({ path, lengths }, { path: value!.path, lengths: valueRows.lengths }, first);
  return {
    query: span,
    ...(keyRows && { key: keyRows }),
    ...(valueRows && { value: valueRows }),
    ...(names && { names }),
    ...(fields && { fields }),
    end,
    share,
  };
}

/** The queries whose keys fit into `mostTokens` too, as far as the lengths are known. */
function fitKeys({ layout }: SequenceStream, key: SequenceReader, first: number, mostTokens: number): number {
  if (layout === undefined) return mostTokens;
  let end = first;
  while (
    end < layout.count &&
    layout.offsets[end + 1]! - layout.offsets[first]! <= mostTokens &&
    key.offsets[end + 1]! - key.offsets[first]! <= mostTokens
  ) {
    end++;
  }
  return layout.offsets[end]! - layout.offsets[first]!;
}

/** @throws INVALID_SHAPE unless there are keys and values for `count` sequences, and no more */
function checkCounts(path: string, count: number, { key, value }: Attended): void {
  for (const reader of [key, value]) {
    if (reader !== undefined && reader.count !== count) throw miscounted(reader, path, count);
  }
}

function miscounted(attended: SequenceReader, path: string, count: number): HeadpoolError {
  return new HeadpoolError(
    'INVALID_SHAPE',
    `${attended.path}: expected ${count} sequences, as ${path} has, got ${attended.count}`,
  );
}

type PathAndLengths = Pick<SequenceReader, 'path' | 'lengths'>;

/**
 * @param first the number of sequences before these, for messages
 * @throws INVALID_SHAPE naming the first sequence whose values are not as many as its keys
 */
function checkLengths(keys: PathAndLengths, values: PathAndLengths, first = 0): void {
  const odd = keys.lengths.findIndex((length, n) => length !== values.lengths[n]);
  if (odd === -1) return;
  throw new HeadpoolError(
    'INVALID_SHAPE',
    `${values.path}: expected ${keys.lengths[odd]!} tokens in sequence ${first + odd}, as ${keys.path} has, got ${values.lengths[odd] ?? 'none'}`,
  );
}
