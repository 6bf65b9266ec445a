// Whether operands can be read and written as vectors of 4.
import { entryWords } from '../../../../src/core/protocol/tables.js';
import type { AttentionGiven } from './given.js';

const offsets = [
  entryWords.queryOffset,
  entryWords.keyOffset,
  entryWords.valueOffset,
  entryWords.outputOffset,
] as const;

/** Whether widths, strides and offsets of query, key, value and output are all multiples of 4. */
export function canUseVectors(
  given: Pick<AttentionGiven, 'headDim' | 'valueDim' | 'entries' | 'query' | 'key' | 'value' | 'output'>,
): boolean {
  const { headDim, valueDim, entries, query, key, value, output } = given;
  const places = [query, key, value, output].flatMap(({ offset, headStride, rowStride }) => [
    offset,
    headStride,
    rowStride,
  ]);
  if (![headDim, valueDim, ...places].every(isMultiple)) return false;
  for (let start = 0; start < entries.length; start += entryWords.count) {
    if (!offsets.every((word) => isMultiple(entries[start + word]!))) return false;
  }
  return true;
}

function isMultiple(number: number): boolean {
  return number % 4 === 0;
}
