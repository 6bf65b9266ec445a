// The phase that normalises and turns queries and keys where they lie in working memory.
import type { Batch } from '../../attention/batch.js';
import type { ResolvedOptions } from '../../attention/resolved-options.js';
import type { Heads } from '../../core/protocol/layout.js';
import { regionOf } from '../../core/tensor/region.js';
import type { RotatedHeads } from '../../core/protocol/head-work.js';
import { planPhase, type PlannedPhase } from './assembly.js';
import { tableOfEntries, type HeadOperand } from './head-operand.js';
import { planRotation } from '../plan/plan-heads.js';

/** Whether queries and keys are to be normalised or turned. */
export function isRotated({ rope, qkNorm }: Pick<ResolvedOptions, 'rope' | 'qkNorm'>): boolean {
  return rope !== null || qkNorm !== null;
}

export interface RotationOperands {
  readonly heads: Heads;
  readonly batch: Batch;
  readonly options: Pick<ResolvedOptions, 'rope' | 'qkNorm' | 'diagonalOf'>;
  readonly query: HeadOperand;
  readonly key: HeadOperand;
}

export function assembleRotation(
  { heads, batch, options, query, key }: RotationOperands,
  unitRows: number,
): PlannedPhase {
  const { rope, qkNorm, diagonalOf } = options;
  const positions = rope?.positions ? regionOf(rope.positions) : null;
  const describe = (
    { layout }: HeadOperand,
    count: number,
    norm?: Float32Array<SharedArrayBuffer>,
  ): RotatedHeads => ({
    layout,
    heads: count,
    positions,
    norm: norm ? regionOf(norm) : null,
  });
  return planPhase(
    'rotate',
    {
      kind: 'rotate',
      query: describe(query, heads.heads, qkNorm?.query),
      key: describe(key, heads.kvHeads, qkNorm?.key),
      headDim: heads.headDim,
      epsilon: qkNorm?.epsilon ?? 0,
      rotary: rope && { base: rope.base, dims: rope.dims, interleaved: rope.interleaved },
    },
    planRotation(batch.entries, heads, unitRows),
    [
      tableOfEntries(batch.entries, {
        query,
        key,
        diagonalOf: (entry) => entry.firstToken + diagonalOf(entry),
        keyPositionOf: ({ firstToken, keys, newKeys }) => firstToken + keys - newKeys,
      }),
    ],
  );
}
