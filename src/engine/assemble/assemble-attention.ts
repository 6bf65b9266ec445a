// Attention over given heads as phases: results created, operands laid out, units planned.
import type { Batch } from '../../attention/batch.js';
import type { ResolvedOptions } from '../../attention/resolved-options.js';
import { regionOf } from '../../core/tensor/region.js';
import {
  partialFloats,
  type AttentionWork,
  type ExtraKeys,
  type MergeWork,
  type SplitKeys,
} from '../../core/protocol/attention-work.js';
import type { Heads, Paging } from '../../core/protocol/layout.js';
import { openRules } from '../../core/protocol/score-rules.js';
import { planPhase, type AssemblyContext, type PlannedPhase } from './assembly.js';
import { createResults, type AttentionResults } from './attention-results.js';
import { deadHeadsOf } from './dead-heads.js';
import { tableOfEntries, type HeadOperand } from './head-operand.js';
import { planAttention, planDecoding, queriesPerUnit, type DecodingPlan } from '../plan/plan-attention.js';
import type { WorkingSet } from './working-set.js';

/** One attention: the heads' operands and where the output goes. */
export interface AttentionOperands {
  readonly heads: Heads;
  readonly batch: Batch;
  readonly options: ResolvedOptions;
  readonly query: HeadOperand;
  readonly key: HeadOperand;
  readonly value: HeadOperand;
  readonly output: HeadOperand;
  readonly extra: ExtraKeys | null;
  /** Where keys and values lie in pages of caches; null where they are rows of the call. */
  readonly paged: PagedOperand | null;
}

/** The pages of the entries of a call. */
export interface PagedOperand {
  readonly paging: Paging;
  /** Which pool an entry's pages are of, and where they start in the table. */
  readonly pagesOf: (index: number) => { readonly pool: number; readonly offset: number };
}

export interface AssembledAttention {
  readonly phases: readonly PlannedPhase[];
  readonly results: AttentionResults;
  /** The table that the phases read. */
  readonly entries: Float64Array;
}

/** The phases that attend, and the results beside the output that they write. @throws MEMORY_LIMIT */
export function assembleAttention(
  operands: AttentionOperands,
  { memory, traits }: AssemblyContext,
): AssembledAttention {
  const { batch, options, query, key, value, output, extra, paged } = operands;
  const { heads, kvHeads, headDim, valueDim } = operands.heads;
  const { rules, diagonalOf } = options;
  const { returnWeights, returnScores, headStatistics } = options;
  const extraKeys = extra?.count ?? 0;
  const deadHeads = deadHeadsOf(options);
  const shape = {
    heads,
    kvHeads,
    headDim,
    valueDim,
    diagonalOf,
    extraKeys,
    deadHeads,
    left: rules.left,
    right: rules.right,
    entries: batch.entries,
    areHeadsTogether: returnWeights === 'mean',
  };
  const queriesPerBlock = queriesPerUnit(operands.heads, traits.unitRows);
  const results = createResults({ heads, batch, extraKeys, queriesPerBlock }, options, memory);
  // Weights need the maximum and the sum over all keys.
  const mayBeSplit = returnWeights === null && returnScores === null && !headStatistics;
  const decoding = planDecoding(shape, mayBeSplit);
  const { split, partialOffsets } = allocatePartial(operands, decoding, memory);
  const queriesPerEntry = batch.denseQueries;
  const entries = tableOfEntries(batch.entries, {
    query,
    key,
    value,
    output,
    diagonalOf,
    partialOffsets,
    statisticsOffsets: results.statisticsOffsets,
    pagesOf: paged?.pagesOf,
    logSumExpOffsetOf: ({ queryRow }, index) =>
      queriesPerEntry === undefined ? queryRow : index * heads * queriesPerEntry,
  });
  const work: AttentionWork = {
    heads,
    kvHeads,
    headDim,
    valueDim,
    rules: openRules(rules, regionOf, regionOf),
    query: query.layout,
    key: key.layout,
    value: value.layout,
    paging: paged?.paging ?? null,
    output: output.layout,
    extra,
    deadHeads: [...deadHeads],
    ...results.work,
  };
  const phases = [
    planPhase('attend', { kind: 'attend', ...work }, planAttention(shape, traits.unitRows), [entries]),
    planPhase('decode', { kind: 'decode', ...work, split }, decoding.decode, [entries]),
  ];
  if (split !== null) {
    const { headScale } = work.rules;
    const { logSumExp } = work;
    const merge: MergeWork = {
      kind: 'merge',
      heads,
      kvHeads,
      valueDim,
      output: output.layout,
      logSumExp,
      headScale,
      split,
    };
    phases.push(planPhase('merge', merge, decoding.merge, [entries]));
  }
  return { phases, results, entries };
}

/** Working memory for what rows gather over ranges of keys, and where each entry's lies in it. */
function allocatePartial(
  { heads: { heads, valueDim }, batch }: AttentionOperands,
  { keysPerRange, ranges }: DecodingPlan,
  memory: WorkingSet,
): { readonly split: SplitKeys | null; readonly partialOffsets: readonly number[] } {
  let length = 0;
  const partialOffsets = batch.entries.map(({ queries }, index) => {
    const offset = length;
    if (ranges[index]! > 1) length += ranges[index]! * queries * heads * partialFloats(valueDim);
    return offset;
  });
  return { split: length === 0 ? null : { keysPerRange, partial: memory.allocate(length) }, partialOffsets };
}
