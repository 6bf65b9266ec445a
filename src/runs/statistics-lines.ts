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

const newline = 0x0a;
/** What a line begins with, before the number of its sequence. */
const opening = Buffer.from('{"sequence":');
const comma = 0x2c;

/** The same lines with numbers from `first` on. @param pieces whole lines, cut anywhere */
export async function* renumberStatistics(
  pieces: AsyncIterable<Uint8Array>,
  first: number,
): AsyncGenerator<Uint8Array> {
  let sequence = first;
  let held = Buffer.alloc(0);
  for await (const piece of pieces) {
    const text = Buffer.concat([held, piece]);
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = text.indexOf(newline); end >= 0; end = text.indexOf(newline, start)) {
      const rest = text.subarray(text.indexOf(comma, start + opening.length), end + 1);
      lines.push(opening, Buffer.from(String(sequence++)), rest);
      start = end + 1;
    }
    held = text.subarray(start);
    yield Buffer.concat(lines);
  }
}
