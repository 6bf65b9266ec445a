// Makes and asks layouts: where the rows of which sequence begin. No file is touched here.
import { expected } from '../../core/errors.js';
import type { SequenceLayout } from './sequences.js';

type LayoutParts = Pick<SequenceLayout, 'modelDim' | 'lengths'> &
  Partial<Pick<SequenceLayout, 'form' | 'names'>>;

/**
 * The layout of sequences of `lengths` tokens; form 'packed' by default.
 * @throws INVALID_OPTION if modelDim or a length is no integer, or the numbers are too many to count
 */
export function createLayout({ form = 'packed', modelDim, lengths, names }: LayoutParts): SequenceLayout {
  if (!Number.isSafeInteger(modelDim) || modelDim < 1) {
    throw expected('INVALID_OPTION', 'an integer >= 1', 'modelDim', modelDim);
  }
  const odd = lengths.findIndex((length) => !Number.isSafeInteger(length) || length < 0);
  if (odd >= 0) throw expected('INVALID_OPTION', 'an integer >= 0', `lengths[${odd}]`, lengths[odd]);
  const offsets = offsetsOf(lengths);
  if (!Number.isSafeInteger(offsets.at(-1)! * modelDim)) {
    throw expected('INVALID_OPTION', `fewer than 2^53 numbers of ${modelDim} a row`, 'lengths', lengths);
  }
  const layout = { form, modelDim, count: lengths.length, lengths, offsets };
  return Object.freeze(names === undefined ? layout : { ...layout, names });
}

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
