// Head statistics as text: a line of JSON for each sequence, a list of numbers for each measure, one for each head.
import type { HeadStatistics } from '../attention/result.js';
import type { Sequences } from '../files/sequences/sequences.js';

/** The sequences of a target, and where they stand. */
export interface DescribedSequences extends Sequences {
  /** Number of the first among all of its target, from 0. */
  readonly first: number;
  /** Number of the first among the entries of `statistics`. */
  readonly entry: number;
}

export function formatStatistics(
  { lengths, names, first, entry }: DescribedSequences,
  statistics: HeadStatistics,
): Uint8Array {
  const measures = Object.entries(statistics) as [string, HeadStatistics['entropy']][];
  const lines = lengths.map((tokens, index) => {
    const id = names?.[index] ?? null;
    const values = measures.map(([measure, { shape, data }]) => {
      const heads = shape[1]!;
      const begin = (entry + index) * heads;
      return [measure, Array.from(data.subarray(begin, begin + heads))] as const;
    });
    const line = {
      sequence: first + index,
      ...(id !== null && { id }),
      tokens,
      ...Object.fromEntries(values),
    };
    return `${JSON.stringify(line)}\n`;
  });
  return Buffer.from(lines.join(''));
}
