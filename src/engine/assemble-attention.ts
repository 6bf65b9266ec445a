// Attention over given heads as phases: results created, operands laid out, units planned.
import type { Batch, Heads, ResolvedOptions } from '../attention/problem.js';
import { regionOf } from '../core/tensor/region.js';
import type { Shape } from '../core/tensor/shape.js';
import type { Tensor } from '../core/tensor/tensor.js';
import {
  partialFloats,
  type AttentionWork,
  type ExtraKeys,
  type MergeWork,
  type SplitKeys,
} from '../core/protocol/attention-work.js';
import type { HeadLayout, Paging } from '../core/protocol/layout.js';
import { gather } from './assemble-gather.js';
import { assembleRotation, isRotated } from './assemble-rotation.js';
import { planPhase, type Assembly, type PlannedPhase } from './assembly.js';
import { createResults, type AttentionResults } from './attention-results.js';
import { deadHeadsOf } from './dead-heads.js';
import { tableOfEntries, type HeadOperand } from './layout.js';
import { planAttention, planDecoding, queriesPerUnit, type DecodingPlan } from './plan-attention.js';
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
export function assembleAttention(operands: AttentionOperands, memory: WorkingSet): AssembledAttention {
  const { batch, options, query, key, value, output, extra, paged } = operands;
  const { heads, kvHeads, headDim, valueDim } = operands.heads;
  const { scale, softcap, left, right, diagonalOf, mask, bias } = options;
  const { returnWeights, returnScores, headStatistics } = options;
  const extraKeys = extra?.count ?? 0;
  const deadHeads = deadHeadsOf(options);
  const shape = {
    ...{ heads, kvHeads, headDim, valueDim, left, right, diagonalOf, extraKeys, deadHeads },
    entries: batch.entries,
    areHeadsTogether: returnWeights === 'mean',
  };
  const queriesPerBlock = queriesPerUnit(operands.heads);
  const results = createResults({ heads, batch, extraKeys, queriesPerBlock }, options, memory);
  // Weights need the maximum and the sum over all keys.
  const mayBeSplit = returnWeights === null && returnScores === null && !headStatistics;
  const decoding = planDecoding(shape, mayBeSplit);
  const { split, partialOffsets } = allocatePartial(operands, decoding, memory);
  const { statisticsOffsets } = results;
  const queriesPerEntry = batch.denseQueries;
  const entries = tableOfEntries(batch.entries, {
    ...{ query, key, value, output, diagonalOf, partialOffsets },
    ...(statisticsOffsets && { statisticsOffsets }),
    ...(paged && { pagesOf: paged.pagesOf }),
    logSumExpOffsetOf: ({ queryRow }, index) =>
      queriesPerEntry === undefined ? queryRow : index * heads * queriesPerEntry,
  });
  const work: AttentionWork = {
    ...{ heads, kvHeads, headDim, valueDim, scale, softcap, left, right, extra },
    ...{ query: query.layout, key: key.layout, value: value.layout, output: output.layout },
    paging: paged?.paging ?? null,
    mask: mask && { region: regionOf(mask.data), strides: mask.strides },
    bias: bias && { region: regionOf(bias.data), strides: bias.strides },
    alibiSlopes: options.alibiSlopes && regionOf(options.alibiSlopes),
    sinks: options.sinks && regionOf(options.sinks),
    headScale: options.headScale && regionOf(options.headScale),
    deadHeads: [...deadHeads],
    ...results.work,
  };
  const phases = [
    planPhase('attend', { kind: 'attend', ...work }, planAttention(shape), [entries]),
    planPhase('decode', { kind: 'decode', ...work, split }, decoding.decode, [entries]),
  ];
  if (split !== null) {
    const merge: MergeWork = { kind: 'merge', ...pickMerged(work), split };
    phases.push(planPhase('merge', merge, decoding.merge, [entries]));
  }
  return { phases, results, entries };
}

function pickMerged({
  heads,
  kvHeads,
  valueDim,
  output,
  logSumExp,
  headScale,
}: AttentionWork): Omit<MergeWork, 'kind' | 'split'> {
  return { heads, kvHeads, valueDim, output, logSumExp, headScale };
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

/** One call of attention alone, on heads that the caller projected. */
export interface AloneOperands extends Omit<AttentionOperands, 'output' | 'extra' | 'paged'> {
  readonly outputShape: Shape;
  readonly layOutOutput: (output: Tensor) => HeadOperand;
  /** Whether the kernel reads only working memory of the arena. */
  readonly needsArena: boolean;
}

/**
 * Copies operands into working memory where that is needed or better, turns them there, then attends.
 * @throws MEMORY_LIMIT
 */
export function assembleAlone(operands: AloneOperands, memory: WorkingSet): Assembly {
  const { heads, batch, options, outputShape, layOutOutput, needsArena } = operands;
  const output = options.out ?? memory.createResult(outputShape);
  const isContiguous =
    isDense(operands.key.layout, heads.headDim) && isDense(operands.value.layout, heads.valueDim);
  const isTurned = isRotated(options);
  const phases: PlannedPhase[] = [];
  let { query, key, value } = operands;
  if (needsArena || !isContiguous || isTurned) {
    const gathered = gather({ heads, batch, query, key, value, withQuery: isTurned }, memory);
    phases.push(gathered.phase);
    ({ query, key, value } = gathered);
  }
  if (isTurned) phases.push(assembleRotation({ heads, batch, options, query, key }));
  const attend = assembleAttention(
    {
      ...{ heads, batch, options, query, key, value },
      output: layOutOutput(output),
      extra: null,
      paged: null,
    },
    memory,
  );
  return {
    phases: [...phases, ...attend.phases],
    conclude: () => ({ output, ...attend.results.conclude() }),
  };
}

function isDense({ tokenStride }: HeadLayout, dims: number): boolean {
  return tokenStride === dims;
}
