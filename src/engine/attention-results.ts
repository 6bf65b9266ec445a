// What attention returns beside its output: the tensors, and how workers are told to write them.
import type { AttentionResult } from '../attention/multi-head.js';
import type { Batch, ResolvedOptions } from '../attention/problem.js';
import { regionOf } from '../core/tensor/region.js';
import type { Tensor } from '../core/tensor/tensor.js';
import type { AttentionWork, ColumnsOutput } from '../core/protocol/attention-work.js';
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
      weights: weights && { ...weights.work, mode: wantsWeights },
      scores: scores && { ...scores.work, stage },
      statistics: statistics?.work ?? null,
      logSumExp: logSumExp && {
        region: regionOf(logSumExp.data),
        headStride: batch.denseQueries ?? batch.queryRows,
      },
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
  readonly work: ColumnsOutput;
}

/** A number a query and key: [batch, heads, queries, keys + extra keys], or without the heads. */
function createColumns(
  { heads, batch: { dense }, extraKeys }: ResultShape,
  isByHead: boolean,
  memory: WorkingSet,
): Columns {
  if (dense === undefined) throw new TypeError('Options refuse weights and scores of a ragged batch');
  const columns = dense.keys + extraKeys;
  const copies = isByHead ? [heads] : [];
  const tensor = memory.createResult([dense.batch, ...copies, dense.queries, columns]);
  const headStride = dense.queries * columns;
  return {
    tensor,
    work: {
      region: regionOf(tensor.data),
      entryStride: headStride * (copies[0] ?? 1),
      headStride,
      queryStride: columns,
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
