// Cuts a file of sequences into batches of whole sequences. Pure; where a batch is cut never changes a result.

/** Sequences `first` … `first + count - 1`, which have `tokens` rows in all. */
export interface SequenceBatch {
  readonly first: number;
  readonly count: number;
  readonly tokens: number;
}

/** Batches of at most `mostTokens` tokens each; a sequence longer than that is a batch by itself. */
export function cutBatches(lengths: readonly number[], mostTokens: number): SequenceBatch[] {
  const batches: SequenceBatch[] = [];
  let first = 0;
  let tokens = 0;
  lengths.forEach((length, index) => {
    if (index > first && tokens + length > mostTokens) {
      batches.push({ first, count: index - first, tokens });
      first = index;
      tokens = 0;
    }
    tokens += length;
  });
  if (first < lengths.length) batches.push({ first, count: lengths.length - first, tokens });
  return batches;
}

/** Row offsets [count + 1] of the sequences of a batch, from 0. */
export function offsetsOf(lengths: readonly number[], { first, count }: SequenceBatch): number[] {
  const offsets = [0];
  for (let n = 0; n < count; n++) offsets.push(offsets[n]! + lengths[first + n]!);
  return offsets;
}
