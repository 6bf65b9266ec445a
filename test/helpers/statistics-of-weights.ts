// Head statistics computed from the weights that a call returned: what its own, gathered without them, must equal.
import type { AttentionResult } from '../../src/index.js';
import { statisticsOf, type OracleStatistics } from '../oracle/oracle.js';

/**
 * A row attends if it has any weight.
 * @param result of a dense call of rank 4 with `returnWeights: true`
 * @param positionOf where query i of entry b stands on the diagonal
 * @param keys of the input, where weights have columns of extra keys after them
 */
export function statisticsOfWeights(
  { output, weights }: AttentionResult,
  positionOf: (b: number, i: number) => number,
  keys = weights!.shape[3]!,
): OracleStatistics {
  const [batch, heads, queries, columns] = weights!.shape as readonly [number, number, number, number];
  const valueDim = output.shape[3]!;
  return statisticsOf({
    dims: { batch, heads, queries, keys, columns, valueDim },
    ...{ weights: weights!.data, output: output.data, positionOf },
    isAttending: (row) =>
      weights!.data.subarray(row * columns, (row + 1) * columns).some((weight) => weight > 0),
  });
}
