// What attention returns beside its output: the tensors, and how workers are told to write them.
import type { AttentionResult } from '../../attention/result.js';
import type { Batch } from '../../attention/batch.js';
import type { ResolvedOptions } from '../../attention/resolved-options.js';
import { regionOf } from '../../core/tensor/region.js';
import type { Tensor } from '../../core/tensor/tensor.js';
import type { AttentionWork, KeyColumns } from '../../core/protocol/attention-work.js';
import { headLayout } from './head-operand.js';
import { createStatistics } from './head-statistics.js';
import type { WorkingSet } from './working-set.js';

/** Whose results they are. */
export interface ResultShape {
  readonly heads: number;
  readonly batch: Batch;
  readonly extraKeys: number;
  /** Queries of a unit. */
  readonly queriesPerBlock: number;
}

type Returns = Pick<ResolvedOptions, 'returnWeights' | 'returnScores' | 'returnLogSumExp' | 'headStatistics'>;

export interface AttentionResults {
  /** Where workers write. */
  readonly work: Pick<AttentionWork, 'weights' | 'scores' | 'statistics' | 'logSumExp'>;
  readonly statisticsOffsets: readonly number[] | undefined;
  /** The results, once every unit is done; `hasContributions` as in `StatisticsResult`. */
  conclude(hasContributions?: boolean): Omit<AttentionResult, 'output'>;
}

/** @throws MEMORY_LIMIT */
export function createResults(shape: ResultShape, returns: Returns, memory: WorkingSet): AttentionResults {
  const { heads, batch } = shape;
  const isProbabilities = returns.returnScores === 'probabilities';
  const stage = returns.returnScores === 'probabilities' ? null : returns.returnScores;
  const wantsWeights = returns.returnWeights ?? (isProbabilities ? 'heads' : null);
  const weights = wantsWeights && createColumns(shape, wantsWeights === 'heads', memory);
  const scores = stage && createColumns(shape, true, memory);
  if (scores && batch.entries.some(({ keys }) => keys !== batch.dense?.keys)) {
    // Kernels write what is there; behind it is padding.
    scores.tensor.data.fill(-Infinity);
  }
  const logSumExp = returns.returnLogSumExp ? createLogSumExp(heads, batch, memory) : null;
  const statistics = returns.headStatistics ? createStatistics(shape, memory) : null;
  return {
    work: {
      weights: weights && {
        ...weights.work,
        share: wantsWeights === 'mean' ? 1 / heads : 1,
        isAdded: wantsWeights === 'mean',
      },
      scores: scores && { ...scores.work, stage },
      statistics: statistics?.work ?? null,
      logSumExp: logSumExp && headLayout(regionOf(logSumExp.data), batch.denseQueries ?? batch.queryRows, 1),
    },
    statisticsOffsets: statistics?.offsets,
    conclude: (hasContributions = false) => ({
      ...(weights && returns.returnWeights !== null && { weights: weights.tensor }),
      ...(isProbabilities && { scores: weights!.tensor }),
      ...(scores && { scores: scores.tensor }),
      ...(logSumExp && { logSumExp }),
      ...(statistics && { headStatistics: statistics.conclude(hasContributions) }),
    }),
  };
}

interface Columns {
  readonly tensor: Tensor;
  readonly work: KeyColumns;
}

/** A number a query and key: [batch, heads, queries, keys + extra keys], or without the heads. */
function createColumns(
  { heads, batch: { dense }, extraKeys }: ResultShape,
  isByHead: boolean,
  memory: WorkingSet,
): Columns {
  if (dense === undefined) throw new TypeError('Options refuse weights and scores of a ragged batch');
  const columns = dense.keys + extraKeys;
  const shape = [dense.batch, ...(isByHead ? [heads] : []), dense.queries, columns];
  const tensor = memory.createResult(shape);
  const rows = dense.queries * columns;
  return {
    tensor,
    work: {
      data: regionOf(tensor.data),
      offset: 0,
      entryStride: isByHead ? heads * rows : rows,
      headStride: isByHead ? rows : 0,
      rowStride: columns,
      columnStride: 1,
      extraColumn: dense.keys,
    },
  };
}

function createLogSumExp(
  heads: number,
  { entries, denseQueries, queryRows }: Batch,
  memory: WorkingSet,
): Tensor {
  return memory.createResult(
    denseQueries === undefined ? [heads, queryRows] : [entries.length, heads, denseQueries],
  );
}
