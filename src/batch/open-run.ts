// Opens what one run reads and checks that it fits together, before anything large is allocated or written.
import { expected, HeadpoolError } from '../errors.js';
import type { AttentionOptions, RotaryOptions } from '../attention/options.js';
import type { MultiHeadWeights } from '../attention/weights.js';
import { isSameFile } from '../files/open-file.js';
import { openSequences } from '../files/sequence-files.js';
import type { SequenceReader } from '../files/sequences.js';
import { cutBatches, type SequenceBatch } from './batches.js';

/** What can be asked of the sequences of a file, whatever their lengths. */
export interface RunOptions extends Pick<
  AttentionOptions,
  'causal' | 'alignment' | 'window' | 'scale' | 'softcap' | 'alibiSlopes' | 'sinks' | 'headScale'
> {
  readonly rope?: Omit<RotaryOptions, 'positions'>;
}

/** One input file and what becomes of it. */
export interface RunRequest {
  readonly input: string;
  /** Sequences to attend, one for each of the input's; default: the input itself. */
  readonly key?: string | undefined;
  /** Their values; default: `key`. */
  readonly value?: string | undefined;
  readonly output: string;
  readonly weights: MultiHeadWeights;
  readonly options: RunOptions;
  readonly batchTokens: number;
}

/** Open readers that fit the weights and each other, and the batches to compute. Close it. */
export interface OpenRun extends AsyncDisposable {
  readonly request: RunRequest;
  readonly query: SequenceReader;
  readonly key: SequenceReader;
  readonly value: SequenceReader;
  readonly batches: readonly SequenceBatch[];
  /** Tokens of the largest batch, and of the keys that go with a batch. */
  readonly mostTokens: number;
  readonly mostKeyTokens: number;
}

/**
 * @throws INVALID_FILE, FILE_FAILED, INVALID_SHAPE where a file doesn't fit the weights or another file,
 * INVALID_OPTION where the output is one of the inputs
 */
export async function openRun(request: RunRequest): Promise<OpenRun> {
  const { input, key = input, value = key, output, weights, batchTokens } = request;
  for (const path of new Set([input, key, value])) {
    if (await isSameFile(path, output))
      throw expected('INVALID_OPTION', 'a file that is not read', 'output', output);
  }
  const readers = new Map<string, SequenceReader>();
  const close = async (): Promise<void> => {
    await Promise.all([...readers.values()].map((reader) => reader.close()));
  };
  try {
    for (const path of [input, key, value]) {
      if (!readers.has(path)) readers.set(path, await openSequences(path));
    }
    const [queryReader, keyReader, valueReader] = [input, key, value].map((path) => readers.get(path)!) as [
      SequenceReader,
      SequenceReader,
      SequenceReader,
    ];
    checkWidth(queryReader, 'query', weights);
    checkWidth(keyReader, 'key', weights);
    checkWidth(valueReader, 'value', weights);
    checkCounts(queryReader, keyReader);
    checkLengths(keyReader, valueReader);
    const batches = cutBatches(queryReader.lengths, batchTokens);
    return {
      request,
      query: queryReader,
      key: keyReader,
      value: valueReader,
      batches,
      mostTokens: Math.max(0, ...batches.map(({ tokens }) => tokens)),
      mostKeyTokens: Math.max(0, ...batches.map((batch) => keyTokens(keyReader, batch))),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Rows of `reader` that the sequences of a batch have. */
export function keyTokens({ offsets }: SequenceReader, { first, count }: SequenceBatch): number {
  return offsets[first + count]! - offsets[first]!;
}

function checkWidth(
  reader: SequenceReader,
  name: 'query' | 'key' | 'value',
  weights: MultiHeadWeights,
): void {
  const width = weights[name].weight.shape[1];
  if (reader.modelDim === width) return;
  throw new HeadpoolError(
    'INVALID_SHAPE',
    `${reader.path}: expected modelDim ${width}, as the ${name} weights have, got ${reader.modelDim}`,
  );
}

function checkCounts(query: SequenceReader, key: SequenceReader): void {
  if (key.count === query.count) return;
  throw new HeadpoolError(
    'INVALID_SHAPE',
    `${key.path}: expected ${query.count} sequences, as ${query.path} has, got ${key.count}`,
  );
}

function checkLengths(key: SequenceReader, value: SequenceReader): void {
  const odd = key.lengths.findIndex((length, n) => length !== value.lengths[n]);
  if (odd === -1 && value.count === key.count) return;
  const [wanted, got] = [key.lengths[odd] ?? 'none', value.lengths[odd] ?? 'none'];
  throw new HeadpoolError(
    'INVALID_SHAPE',
    `${value.path}: expected ${wanted} tokens in sequence ${odd}, as ${key.path} has, got ${got}`,
  );
}
