// What the tests of .jsonl share: lines as streams of bytes, and all that is found in them.
import type { HeadpoolError } from '../../src/core/errors.js';
import { openJsonlStream } from '../../src/files/sequences/jsonl/stream.js';
import { countTokens } from '../../src/files/sequences/layout.js';
import type {
  Embedding,
  SequenceName,
  SequenceStream,
  StreamPosition,
  StreamSource,
} from '../../src/files/sequences/sequences.js';

/** What messages call the streams. */
export const path = 'a.jsonl';
/** A line without a fault. */
export const good = '{"id":"good","x":[[1,2],[3,4]]}';

/** Rows of two numbers: id, and 10 times id. */
export const embedding: Embedding = {
  modelDim: 2,
  vocabulary: 5,
  mostTokens: 3,
  embed: (ids, target) => {
    target.set(ids.flatMap((id) => [id, 10 * id]));
  },
};

/** A sequence, or the error in its place. */
export interface Found {
  readonly name?: SequenceName;
  readonly rows?: readonly number[];
  readonly error?: HeadpoolError;
  readonly end: StreamPosition;
}

// eslint-disable-next-line @typescript-eslint/require-await -- What reads asks for an asynchronous one.
export async function* chunksOf(text: string | Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Opens `text`, by default in chunks of 7 bytes. */
export function open(text: string | Uint8Array, options: Partial<StreamSource> = {}, longestLine?: number) {
  const source = { path, modelDim: 2, bytes: chunksOf(text, 7), ...options };
  return openJsonlStream(source, longestLine === undefined ? {} : { longestLine });
}

/** A span at a time, which are single sequences by default. */
export async function readAll(stream: SequenceStream, modelDim = 2, mostTokens = -1): Promise<Found[]> {
  const found: Found[] = [];
  for (;;) {
    const span = await stream.next(mostTokens);
    if (span === undefined) break;
    if ('error' in span) {
      found.push(span);
      continue;
    }
    const target = new Float32Array(countTokens(span.lengths) * modelDim);
    await span.read(target);
    let at = 0;
    for (const [index, length] of span.lengths.entries()) {
      const rows = [...target.subarray(at, (at += length * modelDim))];
      found.push({ name: span.names![index]!, rows, end: span.end });
    }
  }
  await stream.close();
  return found;
}

/** The names of sequences, 'damaged' in place of those that can't be read. */
export const namesOf = (found: readonly Found[]) =>
  found.map(({ name, error }) => (error ? 'damaged' : name));
