// Attention over given heads as phases: results created, operands laid out, units planned.
import type { AttentionResult } from '../attention/multi-head.js';
import type { Batch, Heads, ResolvedOptions } from '../attention/problem.js';
import { regionOf } from '../tensor/region.js';
import type { Shape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  partialFloats,
  type AttentionWork,
  type ExtraKeys,
  type HeadLayout,
  type MergeWork,
  type SplitKeys,
} from '../../workers/protocol.js';
import { planPhase, type Assembly, type PlannedPhase } from './assembly.js';
import { headMajor, tableOfEntries, type HeadOperand } from './layout.js';
import { planAttention, planDecoding, planGather, type DecodingPlan } from './plan-attention.js';
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
}

/** The phases that attend, and the results beside the output that they write. @throws MEMORY_LIMIT */
export function assembleAttention(
  operands: AttentionOperands,
  memory: WorkingSet,
): { readonly phases: readonly PlannedPhase[]; readonly results: Omit<AttentionResult, 'output'> } {
  const { batch, options, query, key, value, output, extra } = operands;
  const { heads, kvHeads, headDim, valueDim } = operands.heads;
  const { scale, left, right, diagonalOf, mask, bias } = options;
  const extraKeys = extra?.count ?? 0;
  const weights = createWeights(heads, batch, options, extraKeys, memory);
  const logSumExp = options.returnLogSumExp ? createLogSumExp(heads, batch, memory) : undefined;
  const shape = {
    ...{ heads, kvHeads, headDim, valueDim, left, right, diagonalOf, extraKeys },
    entries: batch.entries,
    areHeadsTogether: options.returnWeights === 'mean',
  };
  // Weights need the maximum and the sum over all keys.
  const decoding = planDecoding(shape, options.returnWeights === null);
  const { split, partialOffsets } = allocatePartial(operands, decoding, memory);
  const queriesPerEntry = batch.dense?.queries;
  const entries = tableOfEntries(batch.entries, {
    ...{ query, key, value, output, diagonalOf, partialOffsets },
    logSumExpOffsetOf: ({ queryRow }, index) =>
      queriesPerEntry === undefined ? queryRow : index * heads * queriesPerEntry,
  });
  const work: AttentionWork = {
    ...{ heads, kvHeads, headDim, valueDim, scale, left, right, extra },
    ...{ query: query.layout, key: key.layout, value: value.layout, output: output.layout },
    mask: mask && { region: regionOf(mask.data), strides: mask.strides },
    bias: bias && { region: regionOf(bias.data), strides: bias.strides },
    weights: weights?.work ?? null,
    logSumExp: logSumExp
      ? { region: regionOf(logSumExp.data), headStride: queriesPerEntry ?? batch.queryRows }
      : null,
  };
  const phases = [
    planPhase('attend', { kind: 'attend', ...work }, planAttention(shape), [entries]),
    planPhase('decode', { kind: 'decode', ...work, split }, decoding.decode, [entries]),
  ];
  if (split !== null) {
    const merge: MergeWork = { kind: 'merge', ...pickMerged(work), split };
    phases.push(planPhase('merge', merge, decoding.merge, [entries]));
  }
  return {
    phases,
    results: { ...(weights && { weights: weights.tensor }), ...(logSumExp && { logSumExp }) },
  };
}

function pickMerged({
  heads,
  kvHeads,
  valueDim,
  output,
  logSumExp,
}: AttentionWork): Omit<MergeWork, 'kind' | 'split'> {
  return { heads, kvHeads, valueDim, output, logSumExp };
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
export interface AloneOperands extends Omit<AttentionOperands, 'output' | 'extra'> {
  readonly outputShape: Shape;
  readonly layOutOutput: (output: Tensor) => HeadOperand;
  /** Whether the kernel reads only working memory of the arena. */
  readonly needsArena: boolean;
}

/** Copies keys and values into working memory where that is needed or better, then attends. @throws MEMORY_LIMIT */
export function assembleAlone(operands: AloneOperands, memory: WorkingSet): Assembly {
  const { heads, batch, options, query, key, value, outputShape, layOutOutput, needsArena } = operands;
  const output = options.out ?? memory.createResult(outputShape);
  const isContiguous = isDense(key.layout, heads.headDim) && isDense(value.layout, heads.valueDim);
  const gathered = needsArena || !isContiguous ? gather({ heads, batch, key, value }, memory) : undefined;
  const attended = gathered ?? { key, value };
  const { phases, results } = assembleAttention(
    { heads, batch, options, query, ...attended, output: layOutOutput(output), extra: null },
    memory,
  );
  return {
    phases: gathered === undefined ? phases : [gathered.phase, ...phases],
    result: { output, ...results },
  };
}

function isDense({ tokenStride }: HeadLayout, dims: number): boolean {
  return tokenStride === dims;
}

function gather(
  { heads, batch, key, value }: Pick<AttentionOperands, 'heads' | 'batch' | 'key' | 'value'>,
  memory: WorkingSet,
): { readonly phase: PlannedPhase; readonly key: HeadOperand; readonly value: HeadOperand } {
  const { kvHeads, headDim, valueDim } = heads;
  const rows = batch.keyRows;
  const toKey = headMajor(memory.allocate(rows * kvHeads * headDim), rows, headDim);
  const toValue = headMajor(memory.allocate(rows * kvHeads * valueDim), rows, valueDim);
  const phase = planPhase(
    'gather',
    {
      kind: 'gather',
      key: { from: key.layout, to: toKey.layout, dims: headDim },
      value: { from: value.layout, to: toValue.layout, dims: valueDim },
    },
    planGather(batch.entries, heads),
    [
      tableOfEntries(batch.entries, { key, value }),
      tableOfEntries(batch.entries, { key: toKey, value: toValue }),
    ],
  );
  return { phase, key: toKey, value: toValue };
}

function createWeights(
  heads: number,
  { dense }: Batch,
  { returnWeights }: ResolvedOptions,
  extraKeys: number,
  memory: WorkingSet,
): { readonly tensor: Tensor; readonly work: NonNullable<AttentionWork['weights']> } | undefined {
  if (returnWeights === null || dense === undefined) return undefined;
  const columns = dense.keys + extraKeys;
  const copies = returnWeights === 'mean' ? [] : [heads];
  const tensor = memory.createResult([dense.batch, ...copies, dense.queries, columns]);
  const headStride = dense.queries * columns;
  const entryStride = headStride * (copies[0] ?? 1);
  return {
    tensor,
    work: {
      region: regionOf(tensor.data),
      mode: returnWeights,
      entryStride,
      headStride,
      queryStride: columns,
      extraColumn: dense.keys,
    },
  };
}

function createLogSumExp(heads: number, { dense, queryRows }: Batch, memory: WorkingSet): Tensor {
  return memory.createResult(dense === undefined ? [heads, queryRows] : [dense.batch, heads, dense.queries]);
}
