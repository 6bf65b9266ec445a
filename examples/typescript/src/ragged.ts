// Sequences as one ragged batch, and its rows as sequences again.
import type { TensorLike } from 'headpool';

export type Sequence = readonly Float32Array[]; // a row a token

export interface Ragged {
  readonly rows: TensorLike; // [totalTokens, modelDim]
  readonly offsets: readonly number[]; // [sequences + 1]
}

export function join(sequences: readonly Sequence[], modelDim: number): Ragged {
  const offsets = [0];
  for (const sequence of sequences) offsets.push(offsets.at(-1)! + sequence.length);
  const data = new Float32Array(offsets.at(-1)! * modelDim);
  sequences.flat().forEach((row, n) => data.set(row, n * modelDim));
  return { rows: { shape: [offsets.at(-1)!, modelDim], data }, offsets };
}

export function split(data: Float32Array, offsets: readonly number[], modelDim: number): Sequence[] {
  const row = (n: number): Float32Array => data.slice(n * modelDim, (n + 1) * modelDim);
  return offsets.slice(1).map((end, n) => {
    const start = offsets[n]!;
    return Array.from({ length: end - start }, (_, token) => row(start + token));
  });
}
