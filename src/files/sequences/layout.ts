// Makes and asks layouts: where the rows of which sequence begin. No file is touched here.
import { expected } from '../../core/errors.js';
import { elementsOfStep, finish, type Steps } from '../../core/steps.js';
import type { SequenceLayout } from './sequences.js';

type LayoutParts = Pick<SequenceLayout, 'modelDim' | 'lengths'> &
  Partial<Pick<SequenceLayout, 'form' | 'names'>>;

/**
 * The layout of sequences of `lengths` tokens; form 'packed' by default.
 * @throws INVALID_OPTION if modelDim or a length is no integer, or the numbers are too many to count
 */
export function createLayout(parts: LayoutParts): SequenceLayout {
  return finish(layOut(parts));
}

/** The same in steps, for files, which may have any number of sequences. */
export function* layOut({ form = 'packed', modelDim, lengths, names }: LayoutParts): Steps<SequenceLayout> {
  if (!Number.isSafeInteger(modelDim) || modelDim < 1) {
    throw expected('INVALID_OPTION', 'an integer >= 1', 'modelDim', modelDim);
  }
  const offsets = [0];
  let rows = 0;
  for (let index = 0; index < lengths.length; index++) {
    const length = lengths[index]!;
    if (!Number.isSafeInteger(length) || length < 0) {
      throw expected('INVALID_OPTION', 'an integer >= 0', `lengths[${index}]`, length);
    }
    rows += length;
    offsets.push(rows);
    if (index % elementsOfStep === 0) yield;
  }
  if (!Number.isSafeInteger(rows * modelDim)) {
    throw expected('INVALID_OPTION', `fewer than 2^53 numbers of ${modelDim} a row`, 'lengths', lengths);
  }
  const layout = { form, modelDim, count: lengths.length, lengths, offsets };
  return Object.freeze(names === undefined ? layout : { ...layout, names });
}

/** Sequences without tokens always fit, so something else must end a span of them, and give others their turns. */
export const mostSequencesOfSpan = 2 ** 16;

/** The lists of a file's sequences take some 50 bytes each. */
export const mostSequences = 2 ** 25;

/** The first row of each sequence, and the number of all rows: [lengths.length + 1]. */
export function offsetsOf(lengths: readonly number[]): number[] {
  const offsets = [0];
  for (const length of lengths) offsets.push(offsets.at(-1)! + length);
  return offsets;
}

/** Tokens of all sequences together. */
export function countTokens(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}

/**
 * The elements that the sequences `first` … `first + count - 1` take among all rows; `data` must have as many.
 * @throws INVALID_OPTION if there are no such sequences, INVALID_SHAPE if `data` has another length
 */
export function locateElements(
  layout: SequenceLayout,
  { first, count, data }: { first: number; count: number; data?: Float32Array },
): { begin: number; end: number } {
  requireInteger('first', first, layout.count);
  requireInteger('count', count, layout.count - first);
  const begin = layout.offsets[first]! * layout.modelDim;
  const end = layout.offsets[first + count]! * layout.modelDim;
  if (data !== undefined && data.length !== end - begin) {
    const what = `${end - begin} numbers for sequences ${first} to ${first + count}`;
    throw expected('INVALID_SHAPE', what, 'data', data);
  }
  return { begin, end };
}

function requireInteger(name: string, value: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > most) {
    throw expected('INVALID_OPTION', `an integer from 0 to ${most}`, name, value);
  }
}
