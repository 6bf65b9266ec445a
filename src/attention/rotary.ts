// What happens to queries and keys before their product: RMS normalisation and rotary positions.
import { expected } from '../core/errors.js';
import { readList } from '../core/read-object.js';
import { allocateShared } from '../core/tensor/shared-memory.js';
import type { QueryKeyNorm, RotaryOptions } from './options.js';
import type { Batch } from './batch.js';
import type { ResolvedNorm, ResolvedRotary } from './resolved-options.js';
import { shareNumbers } from './share-operands.js';

/** @throws INVALID_OPTION */
export function resolveRotary(rope: RotaryOptions, headDim: number, batch: Batch): ResolvedRotary {
  const { base, dims = headDim, interleaved = false, positions } = rope;
  if (!Number.isInteger(dims) || dims < 2 || dims > headDim || dims % 2 !== 0) {
    throw expected(
      'INVALID_OPTION',
      `an even integer from 2 to headDim (${headDim})`,
      'rope.dims',
      rope.dims,
    );
  }
  return { base, dims, interleaved, positions: positions === undefined ? null : spread(positions, batch) };
}

/** Positions of all rows of a batch, float64 in shared memory. */
function spread(positions: readonly number[], batch: Batch): Float64Array<SharedArrayBuffer> {
  const { dense, entries, queryRows, isCached } = batch;
  // Padding counts in a dense batch: its rows have positions too.
  const isSame = dense
    ? dense.queries === dense.keys
    : entries.every(({ queries, newKeys }) => queries === newKeys);
  if (!isSame && !isCached) {
    const what = 'as many keys as queries in every sequence beside it';
    throw expected('INVALID_OPTION', what, 'rope.positions', positions);
  }
  const counts = [...new Set(dense ? [dense.queries, queryRows] : [queryRows])];
  const count = Array.isArray(positions) ? positions.length : NaN;
  if (!counts.includes(count)) {
    const what = `a list of ${counts.join(' or ')} positions, one a token,`;
    throw expected('INVALID_OPTION', what, 'rope.positions', positions);
  }
  const read = (position: unknown, n: number): number => {
    if (Number.isFinite(position)) return position as number;
    throw expected('INVALID_OPTION', 'a finite number', `rope.positions[${n}]`, position);
  };
  const numbers = readList(positions, read, count);
  const shared = new Float64Array(allocateShared(queryRows * 8));
  for (let start = 0; start < queryRows; start += count) shared.set(numbers, start);
  return shared;
}

const defaultEpsilon = 1e-6;

/** @throws INVALID_OPTION */
export function resolveNorm(norm: QueryKeyNorm, headDim: number): ResolvedNorm {
  const { q, k, epsilon = defaultEpsilon } = norm;
  const list = { count: headDim, which: 'a dim of a head', range: 'finite' } as const;
  return { query: shareNumbers('qkNorm.q', q, list), key: shareNumbers('qkNorm.k', k, list), epsilon };
}
