// Attention blocks on the WebAssembly kernel: places the operands and writes the parameter block of the C++ source.
import type { Slice } from '../../../src/core/protocol/strided.js';
import type { AttentionBlock, Floats, Operand, PartialRows } from '../kernel.js';
import { stageNumbers, storageNumbers } from '../numbers.js';
import { partialFloats } from '../../../src/core/protocol/attention-work.js';
import { rowStatistics } from '../../../src/core/protocol/statistics.js';
import type { Machine } from './machine.js';
import { copyBack, nowhere, placeInput, placeOutput, type Placed, type Rows } from './rows.js';
import { floatWord } from './scratch.js';

// Offsets of "no bound" plus the position in the longest sequence must stay inside 32 bits.
const farOffset = 2 ** 30;

/** Where the operands of one block lie, those that may lie outside the arena. */
interface Placement {
  readonly query: Placed;
  readonly output: Placed;
  readonly mask: Placed;
  readonly bias: Placed;
  readonly weights: Placed;
  readonly scores: Placed;
  readonly logSumExp: Placed;
  readonly statistics: Placed;
}

export function attend(machine: Machine, block: AttentionBlock): void {
  machine.scratch.reset();
  // A part of the keys leaves what it gathered to `merge`, and writes nothing else.
  const isWhole = block.partial === null;
  const output = isWhole ? outputRows(block) : null;
  const logSumExp = isWhole ? logSumExpRows(block) : null;
  const weights = columnRows(block.weights, block);
  const scores = columnRows(block.scores, block);
  const statistics = statisticsRows(block);
  const placement: Placement = {
    query: placeInput(machine, queryRows(block)),
    output: output === null ? nowhere : placeOutput(machine, output),
    mask: placeStrided(machine, block, block.rules.mask),
    bias: placeStrided(machine, block, block.rules.bias),
    // What is added to must be there first.
    weights: weights === null ? nowhere : placeInput(machine, weights),
    // What lies between the keys and the extra columns must stay.
    scores: scores === null ? nowhere : placeInput(machine, scores),
    logSumExp: logSumExp === null ? nowhere : placeOutput(machine, logSumExp),
    statistics: statistics === null ? nowhere : placeOutput(machine, statistics),
  };
  machine.exports.attend(writeParameters(machine, block, placement));
  if (output !== null) copyBack(machine, output, placement.output);
  if (weights !== null) copyBack(machine, weights, placement.weights);
  if (scores !== null) copyBack(machine, scores, placement.scores);
  if (logSumExp !== null) copyBack(machine, logSumExp, placement.logSumExp);
  if (statistics !== null) copyBack(machine, statistics, placement.statistics);
}

const words = new Int32Array(86);

/** The fields of `struct Attention` in operations.h, in its order; returns their address. */
function writeParameters(machine: Machine, block: AttentionBlock, placement: Placement): number {
  const { query, output, mask, bias, weights, scores, logSumExp, statistics } = placement;
  const { headDim, valueDim, group, extra, pages, rules } = block;
  const rowFloats = partialFloats(valueDim);
  let next = 0;
  const write = (...values: readonly number[]): void => {
    for (const value of values) words[next++] = value;
  };
  const strided = ({ address, headStride, queryStride }: Placed, columnStride = 1): void => {
    write(address, headStride, queryStride, columnStride);
  };
  const member = (slice: Floats | null): void => {
    write(placeMembers(machine, slice, group), 1, 0, 0);
  };
  write(block.queries, group, valueDim);
  strided(output);
  strided(logSumExp);
  member(rules.headScale);
  write(block.keys, headDim);
  strided(query);
  write(machine.addressInArena(block.key), 0, block.key.rowStride, 1);
  write(machine.addressInArena(block.value), 0, block.value.rowStride, 1);
  write(storageNumbers[block.storage]);
  write(pages === null ? 0 : placeRun(machine, pages.table, Math.ceil(block.keys / pages.pageKeys)));
  write(pages === null ? 0 : pages.pageKeys, pages === null ? 0 : pages.stride);
  write(extra === null ? 0 : extra.count);
  write(extra === null ? 0 : machine.addressInArena(extra.key), 0, headDim, 1);
  write(extra === null ? 0 : machine.addressInArena(extra.value), 0, valueDim, 1);
  write(floatWord(rules.scale), floatWord(rules.softcap));
  write(Math.max(block.position - rules.left, -farOffset), Math.min(block.position + rules.right, farOffset));
  strided(mask, rules.mask === null ? 0 : rules.mask.columnStride);
  strided(bias, rules.bias === null ? 0 : rules.bias.columnStride);
  member(rules.alibiSlopes);
  member(rules.sinks);
  write(block.position);
  strided(weights);
  write(block.weights === null ? 0 : block.weights.extraColumn);
  write(block.weights === null ? 0 : floatWord(block.weights.share));
  write(block.weights?.isAdded === true ? 1 : 0);
  strided(scores);
  write(block.scores === null ? 0 : block.scores.extraColumn);
  write(block.scores === null ? 0 : stageNumbers[block.scores.stage]);
  write(statistics.address, rowStatistics, group * rowStatistics, 1);
  write(block.isDecoding ? 1 : 0);
  write(block.partial === null ? 0 : machine.addressInArena(block.partial), rowFloats, group * rowFloats, 1);
  write(machine.scratch.takeFloats(machine.exports.scratchFloats(headDim, valueDim)));
  return machine.scratch.writeWords(words);
}

/** The address of `length` neighbours, in place or copied in. */
function placeRun(machine: Machine, slice: Slice<Float32Array | Int32Array>, length: number): number {
  const { data, offset } = slice;
  return machine.addressOf(slice) ?? machine.scratch.copyIn(data.subarray(offset, offset + length));
}

/** Numbers of the members of a group, 0 = null where there are none. */
export function placeMembers(machine: Machine, slice: Floats | null, group: number): number {
  return slice === null ? 0 : placeRun(machine, slice, group);
}

function queryRows({ query, headDim: length, group, queries }: AttentionBlock): Rows {
  return rowsOf(query, { length, group, queries });
}

/** The rows of an output, of a block or of what is merged. */
export function outputRows({
  output,
  valueDim: length,
  group,
  queries,
}: Pick<PartialRows, 'output' | 'valueDim' | 'group' | 'queries'>): Rows {
  return rowsOf(output, { length, group, queries });
}

function columnRows(
  columns: AttentionBlock['weights' | 'scores'],
  { keys, extra, group, queries }: AttentionBlock,
): Rows | null {
  const length = extra === null || columns === null ? keys : columns.extraColumn + extra.count;
  return columns && rowsOf(columns, { length, group, queries });
}

function statisticsRows({ statistics, group, queries }: AttentionBlock): Rows | null {
  if (statistics === null) return null;
  // Row i * group + g after one another.
  const [queryStride, length] = [rowStatistics, rowStatistics];
  return { slice: statistics, headStride: 0, queryStride, length, group: 1, queries: queries * group };
}

export function logSumExpRows({
  logSumExp,
  group,
  queries,
}: Pick<AttentionBlock, 'logSumExp' | 'group' | 'queries'>): Rows | null {
  return logSumExp && rowsOf(logSumExp, { length: 1, group, queries });
}

function placeStrided(
  machine: Machine,
  { group, queries, keys }: AttentionBlock,
  operand: Operand | Operand<Uint8Array> | null,
): Placed {
  if (operand === null) return nowhere;
  const length = operand.columnStride === 0 ? 1 : keys;
  return placeInput(machine, rowsOf<Float32Array | Uint8Array>(operand, { length, group, queries }));
}

function rowsOf<T extends Float32Array | Uint8Array>(
  operand: Operand<T>,
  extent: Pick<Rows, 'length' | 'group' | 'queries'>,
): Rows<T> {
  const { headStride, rowStride: queryStride } = operand;
  return { slice: operand, headStride, queryStride, ...extent };
}
