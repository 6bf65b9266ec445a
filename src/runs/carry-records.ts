// The records of a manifest for the next one, in which inputs and outputs have other numbers and some are left out.
import type { ChunkRecord } from './manifest.js';

export interface Renumbering {
  /** New numbers by old ones; what has none is left out. */
  readonly inputs: ReadonlyMap<number, number>;
  readonly targets: ReadonlyMap<number, number>;
}

export function carryRecords(
  chunks: readonly ChunkRecord[],
  { inputs, targets }: Renumbering,
): readonly ChunkRecord[] {
  const carried: ChunkRecord[] = [];
  for (const chunk of chunks) {
    const portions = chunk.portions.flatMap((portion) => {
      const input = inputs.get(portion.input);
      if (input === undefined) return [];
      return [{ ...portion, input, failures: portion.failures.map((failure) => ({ ...failure, input })) }];
    });
    const finished = chunk.finished.flatMap((end) => {
      const target = targets.get(end.target);
      return target === undefined ? [] : [{ ...end, target }];
    });
    if (portions.length > 0 || finished.length > 0)
      carried.push({ chunk: carried.length, portions, finished });
  }
  return carried;
}
