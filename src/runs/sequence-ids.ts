// What outputs call their sequences: as the input does, or by where they come from.
import type { SequenceName } from '../files/sequences/sequences.js';
import type { Failure } from './chunks.js';
import { standardStream } from './request.js';

export interface NumberedPortion {
  readonly lengths: readonly number[];
  readonly names?: readonly SequenceName[] | undefined;
  readonly failures: readonly Failure[];
}

/**
 * A name for each sequence of a portion: its own, else `path#number` with its number in the input, from 0.
 * @param first number of the portion's first sequence in the input, those that were left out included
 */
export function idsOf(
  path: string,
  first: number,
  { lengths, names, failures }: NumberedPortion,
): SequenceName[] {
  const leftOut = new Set(failures.map(({ sequence }) => sequence));
  let number = first - 1;
  return lengths.map((_, index) => {
    do number++;
    while (leftOut.has(number));
    // What came through a pipe can't be found again by its number.
    return names?.[index] ?? (path === standardStream ? null : `${path}#${number}`);
  });
}
