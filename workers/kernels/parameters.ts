// The parameters of the operations of compiled kernels, each described once, in the order in which source/parameters.h
// reads them. A writer puts them where its binding looks for them.
import { partialFloats } from '../../src/core/protocol/attention-work.js';
import type { ScoreStage } from '../../src/core/protocol/score-rules.js';
import { rowStatistics } from '../../src/core/protocol/statistics.js';
import type { Slice } from '../../src/core/protocol/strided.js';
import type { Dtype } from '../../src/core/tensor/dtype.js';
import type {
  AttentionBlock,
  BlockRules,
  Operand,
  Packing,
  PartialRows,
  Projection,
  StoredNumbers,
} from './kernel.js';

/** Everything that operands may be made of. */
export type Numbers = StoredNumbers | Int32Array | Uint8Array;

/**
 * What an operation does with an operand: `update` is to write some of it and leave the rest as it is. `keep` is to read
 * it, as the next operations do too. An operand that is `resident` lies where the kernel works, whatever is done with it.
 */
export type Access = 'read' | 'keep' | 'write' | 'update' | 'resident';

/** Takes the parameters of a call, one by one; nothing is made of them on the way, for a call may take microseconds. */
export interface ParameterWriter {
  integer(name: string, value: number): void;
  float(name: string, value: number): void;
  /** An integer that may be infinite. */
  bound(name: string, value: number): void;
  /** Neighbours; null where an operand is not there. */
  run(name: string, slice: Slice<Numbers> | null, access: Access, length: number): void;
  operand(
    name: string,
    operand: Operand<Numbers> | null,
    access: Access,
    heads: number,
    rows: number,
    columns: number,
  ): void;
  /** Working space of `attend`. */
  scratch(name: string, headDim: number, valueDim: number): void;
}

export function writePacking({ weight, bias, columns, depth, panels }: Packing, to: ParameterWriter): void {
  to.integer('columns', columns);
  to.integer('depth', depth);
  to.run('weight', weight, 'read', columns * depth);
  to.run('bias', bias, 'read', columns);
  to.run('panels', panels, 'resident', 0);
}

export function writeProjection(product: Projection, to: ParameterWriter): void {
  const { rows, rowCount, depth, panels, columns, output } = product;
  to.integer('rowCount', rowCount);
  to.integer('depth', depth);
  to.integer('columns', columns);
  // Segments of one product come one after another with the same rows.
  to.run('rows', rows, 'keep', rowCount * depth);
  to.run('panels', panels, 'resident', 0);
  to.operand('output', output, 'write', 1, rowCount, columns);
}

/** `enum Storage` */
const storageNumbers: Readonly<Record<Dtype, number>> = { f32: 0, f16: 1, bf16: 2 };

/** `enum ScoreStage` */
const stageNumbers: Readonly<Record<ScoreStage, number>> = { scaled: 0, softcapped: 1, biased: 2 };

export function writeAttention(block: AttentionBlock, to: ParameterWriter): void {
  const { queries, group, keys, headDim, valueDim, pages, extra, rules, weights, scores, partial } = block;
  to.integer('queries', queries);
  to.integer('group', group);
  to.integer('keys', keys);
  to.integer('headDim', headDim);
  to.integer('valueDim', valueDim);
  to.operand('query', block.query, 'read', group, queries, headDim);
  to.integer('storage', storageNumbers[block.storage]);
  to.integer('pages.pageKeys', pages === null ? 0 : pages.pageKeys);
  to.integer('pages.stride', pages === null ? 0 : pages.stride);
  const pageCount = pages === null ? 0 : Math.ceil(keys / pages.pageKeys);
  to.run('pages.table', pages && pages.table, 'read', pageCount);
  to.operand('key', block.key, 'resident', 1, keys, headDim);
  to.operand('value', block.value, 'resident', 1, keys, valueDim);
  const extraCount = extra === null ? 0 : extra.count;
  to.integer('extra.count', extraCount);
  to.operand('extra.key', extra && extra.key, 'resident', 1, extraCount, headDim);
  to.operand('extra.value', extra && extra.value, 'resident', 1, extraCount, valueDim);
  writeRules(rules, block, to);
  to.bound('position', block.position);

  // What is gathered over a part of the keys goes to `merge` alone.
  writeResults(partial === null ? block : null, rules.headScale, block, to);
  to.integer('weights.extraColumn', weights === null ? 0 : weights.extraColumn);
  to.float('weights.share', weights === null ? 0 : weights.share);
  to.integer('weights.isAdded', weights?.isAdded === true ? 1 : 0);
  // Between the columns of the keys and those of the extra keys others may lie.
  to.operand('weights', weights, 'update', group, queries, columnsOf(weights, block));
  to.integer('scores.extraColumn', scores === null ? 0 : scores.extraColumn);
  to.integer('scores.stage', scores === null ? 0 : stageNumbers[scores.stage]);
  to.operand('scores', scores, 'update', group, queries, columnsOf(scores, block));
  to.operand('statistics', block.statistics, 'write', group, queries, rowStatistics);
  to.integer('isDecoding', block.isDecoding ? 1 : 0);
  to.operand('partial', partial, 'resident', group, queries, partialFloats(valueDim));
  to.scratch('scratch', headDim, valueDim);
}

function writeRules(rules: BlockRules, { queries, group, keys }: AttentionBlock, to: ParameterWriter): void {
  to.float('scale', rules.scale);
  to.float('softcap', rules.softcap);
  to.operand('alibiSlopes', rules.alibiSlopes, 'read', group, 1, 1);
  to.operand('bias', rules.bias, 'read', group, queries, keys);
  to.operand('mask', rules.mask, 'read', group, queries, keys);
  to.bound('left', rules.left);
  to.bound('right', rules.right);
  to.operand('sinks', rules.sinks, 'read', group, 1, 1);
}

function writeResults(
  results: Pick<AttentionBlock, 'output' | 'logSumExp'> | null,
  headScale: Operand | null,
  { queries, group, valueDim }: Pick<AttentionBlock, 'queries' | 'group' | 'valueDim'>,
  to: ParameterWriter,
): void {
  to.operand('output', results && results.output, 'write', group, queries, valueDim);
  to.operand('logSumExp', results && results.logSumExp, 'write', group, queries, 1);
  to.operand('headScale', headScale, 'read', group, 1, 1);
}

/** The columns of a row of weights or scores. */
function columnsOf(
  columns: { readonly extraColumn: number } | null,
  { keys, extra }: AttentionBlock,
): number {
  return columns === null || extra === null ? keys : columns.extraColumn + extra.count;
}

export function writePartialRows(rows: PartialRows, to: ParameterWriter): void {
  const { queries, group, valueDim, partial } = rows;
  to.integer('queries', queries);
  to.integer('group', group);
  to.integer('valueDim', valueDim);
  to.integer('ranges', rows.ranges);
  to.integer('partial.entryStride', partial.entryStride);
  to.operand('partial', partial, 'resident', group, queries, partialFloats(valueDim));
  writeResults(rows, rows.headScale, rows, to);
}
