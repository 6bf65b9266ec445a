// How little a number takes in a file: for predictions that must not be too large.
import { bytesPerElement, type Dtype } from '../../core/tensor/dtype.js';
import type { FormatName } from './sequences.js';

/** A digit and a comma: more is not sure of a text. */
const leastTextBytes = 2;

export function leastNumberBytes(format: FormatName, dtype: Dtype): number {
  return format === 'jsonl' ? leastTextBytes : bytesPerElement[dtype];
}
