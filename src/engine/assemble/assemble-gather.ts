// Heads copied into working memory, each contiguous, where kernels can't or shouldn't read them in place.
import type { Batch } from '../../attention/batch.js';
import type { Heads } from '../../core/protocol/layout.js';
import type { HeadCopy } from '../../core/protocol/head-work.js';
import { planPhase, type PlannedPhase } from './assembly.js';
import { headMajor, tableOfEntries, type HeadOperand } from './head-operand.js';
import { planGather } from '../plan/plan-heads.js';
import type { WorkingSet } from './working-set.js';

interface GatheredOperands {
  readonly query: HeadOperand;
  readonly key: HeadOperand;
  readonly value: HeadOperand;
}

/** Copies keys and values, and queries where asked. @throws MEMORY_LIMIT */
export function gather(
  operands: GatheredOperands & {
    readonly heads: Heads;
    readonly batch: Batch;
    readonly withQuery: boolean;
  },
  memory: WorkingSet,
): GatheredOperands & { readonly phase: PlannedPhase } {
  const { batch, withQuery } = operands;
  const { heads, kvHeads, headDim, valueDim } = operands.heads;
  const { entries, queryRows, keyRows } = batch;
  const copyOf = (rows: number, count: number, dims: number): HeadOperand =>
    headMajor(memory.allocate(rows * count * dims), rows, dims);
  const to = {
    query: withQuery ? copyOf(queryRows, heads, headDim) : operands.query,
    key: copyOf(keyRows, kvHeads, headDim),
    value: copyOf(keyRows, kvHeads, valueDim),
  };
  const describe = (operand: keyof GatheredOperands, count: number, dims: number): HeadCopy => ({
    operand,
    heads: count,
    dims,
    from: operands[operand].layout,
    to: to[operand].layout,
  });
  const copies = [
    describe('key', kvHeads, headDim),
    describe('value', kvHeads, valueDim),
    ...(withQuery ? [describe('query', heads, headDim)] : []),
  ];
  const tables = [operands, to].map(({ query, key, value }) =>
    tableOfEntries(entries, { query, key, value }),
  );
  const phase = planPhase('gather', { kind: 'gather', copies }, planGather(entries, copies), tables);
  return { ...to, phase };
}
