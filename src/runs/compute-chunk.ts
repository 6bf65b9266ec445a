// Computes a loaded chunk, in two parts where it has several sequences: the second may have to wait for something.
import type { HeadStatistics } from '../attention/result.js';
import type { MultiHeadAttention } from '../engine/multi-head-attention.js';
import type { AttentionOptions } from '../attention/options.js';
import type { Tensor } from '../core/tensor/tensor.js';
import { createTensor } from '../core/tensor/tensor.js';
import type { LoadedChunk } from './loaded-chunk.js';
import type { RowBuffer } from './row-buffer.js';

export interface ChunkCall {
  readonly forward: MultiHeadAttention['forward'];
  readonly options: AttentionOptions;
  /** Where the rows of the results go. */
  readonly output: RowBuffer;
  /** Resolves when the last part may begin. */
  readonly beforeLast: () => Promise<void>;
}

/** Head statistics of all sequences, if the options ask for them. @throws what `forward` throws */
export async function computeChunk(chunk: LoadedChunk, call: ChunkCall): Promise<HeadStatistics | undefined> {
  const { forward, options, output, beforeLast } = call;
  output.reserve(chunk.tokens);
  const parts = cutInTwo(chunk);
  const statistics: HeadStatistics[] = [];
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1) await beforeLast();
    const [begin, end] = [chunk.offsets[part.first]!, chunk.offsets[part.end]!];
    const out = { shape: [end - begin, output.width], data: output.rows(begin, end) };
    const { inputs, ...offsets } = inputsOf(chunk, part);
    const result = await forward(inputs, { ...options, ...offsets, out });
    if (result.headStatistics !== undefined) statistics.push(result.headStatistics);
  }
  return statistics.length === 0 ? undefined : statistics.reduce(joinStatistics);
}

/** Sequences `first` … `end - 1` of a chunk. */
interface Part {
  readonly first: number;
  readonly end: number;
}

function cutInTwo({ offsets, tokens, sequences }: LoadedChunk): Part[] {
  const middle = offsets.findIndex((row) => 2 * row >= tokens);
  if (sequences < 2 || middle <= 0 || middle >= sequences) return [{ first: 0, end: sequences }];
  return [
    { first: 0, end: middle },
    { first: middle, end: sequences },
  ];
}

function inputsOf({ inputs, offsets, keyOffsets }: LoadedChunk, part: Part) {
  const query = rowsOf(inputs.query, offsets, part);
  // The layer looks which inputs are the same.
  const key = inputs.key === inputs.query ? query : rowsOf(inputs.key, keyOffsets, part);
  const value = inputs.value === inputs.key ? key : rowsOf(inputs.value, keyOffsets, part);
  return {
    inputs: { query, key, value },
    offsets: offsetsOf(offsets, part),
    keyOffsets: offsetsOf(keyOffsets, part),
  };
}

function rowsOf({ shape, data }: Tensor, offsets: readonly number[], { first, end }: Part): Tensor {
  const width = shape[1]!;
  const [begin, last] = [offsets[first]!, offsets[end]!];
  return { shape: [last - begin, width], data: data.subarray(begin * width, last * width) };
}

function offsetsOf(offsets: readonly number[], { first, end }: Part): number[] {
  return offsets.slice(first, end + 1).map((row) => row - offsets[first]!);
}

/** [entries, heads] of one part after those of the other. */
function joinStatistics(a: HeadStatistics, b: HeadStatistics): HeadStatistics {
  const join = ([name, first]: [string, Tensor]): [string, Tensor] => {
    const second = b[name as keyof HeadStatistics]!;
    const joined = createTensor([first.shape[0]! + second.shape[0]!, first.shape[1]!]);
    joined.data.set(first.data);
    joined.data.set(second.data, first.data.length);
    return [name, joined];
  };
  return Object.fromEntries((Object.entries(a) as [string, Tensor][]).map(join)) as unknown as HeadStatistics;
}
