// Rows that were parsed, as a span that is still to be read into memory of the caller's.
import { HeadpoolError, expected } from '../../../core/errors.js';
import { countTokens } from '../layout.js';
import type { JsonlRow } from './row.js';
import type { SequenceSpan, StreamPosition, StreamSource } from '../sequences.js';

/** @param size of the file in bytes, if known */
export function spanOf(
  parsed: readonly JsonlRow[],
  { path, modelDim }: Pick<StreamSource, 'path' | 'modelDim'>,
  { end, size }: { end: StreamPosition; size: number | undefined },
): SequenceSpan {
  let rows: readonly JsonlRow[] | undefined = parsed;
  const lengths = parsed.map(({ length }) => length);
  const elements = countTokens(lengths) * modelDim;

  const fill = (target: Float32Array): void => {
    if (rows === undefined) {
      throw new HeadpoolError('INVALID_OPTION', `${path}: a span can be read only once`);
    }
    if (target.length !== elements) throw expected('INVALID_SHAPE', `${elements} numbers`, 'target', target);
    let at = 0;
    for (const { length, fill } of rows) fill(target.subarray(at, (at += length * modelDim)));
    rows = undefined; // The numbers are not in memory twice for longer than this.
  };
  return {
    lengths,
    names: parsed.map(({ name }) => name),
    ...(parsed.some(({ fields }) => fields !== '') && { fields: parsed.map(({ fields }) => fields) }),
    read: (target) => Promise.resolve(target).then(fill),
    end,
    share: size === undefined ? undefined : end.byte! / size,
  };
}
