// Attention blocks on the WebAssembly kernel: places the operands and writes the parameter block of the C++ source.
import type { AttentionBlock, PartialRows, Strided } from '../kernel.js';
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
  readonly logSumExp: Placed;
}

export function attend(machine: Machine, block: AttentionBlock): void {
  machine.scratch.reset();
  // A part of the keys leaves what it gathered to `merge`, and writes nothing else.
  const isWhole = block.partial === null;
  const output = isWhole ? outputRows(block) : null;
  const logSumExp = isWhole ? logSumExpRows(block) : null;
  const weights = weightsRows(block);
  const placement: Placement = {
    query: placeInput(machine, queryRows(block)),
    output: output === null ? nowhere : placeOutput(machine, output),
    mask: placeStrided(machine, block, block.mask),
    bias: placeStrided(machine, block, block.bias),
    // What is added to must be there first.
    weights: weights === null ? nowhere : placeInput(machine, weights),
    logSumExp: logSumExp === null ? nowhere : placeOutput(machine, logSumExp),
  };
  machine.exports.attend(writeParameters(machine, block, placement));
  if (output !== null) copyBack(machine, output, placement.output);
  if (weights !== null) copyBack(machine, weights, placement.weights);
  if (logSumExp !== null) copyBack(machine, logSumExp, placement.logSumExp);
}

const words = new Int32Array(40);

/** The fields of `struct Attention` in attention.h, in its order; returns their address. */
function writeParameters(machine: Machine, block: AttentionBlock, placement: Placement): number {
  const { query, output, mask, bias, weights, logSumExp } = placement;
  const { headDim, valueDim, extra } = block;
  words[0] = query.address;
  words[1] = query.queryStride;
  words[2] = query.headStride;
  words[3] = machine.addressInArena(block.key);
  words[4] = block.keyStride;
  words[5] = machine.addressInArena(block.value);
  words[6] = block.valueStride;
  words[7] = output.address;
  words[8] = output.queryStride;
  words[9] = output.headStride;
  words[10] = block.queries;
  words[11] = block.group;
  words[12] = block.keys;
  words[13] = headDim;
  words[14] = valueDim;
  words[15] = floatWord(block.scale);
  words[16] = extra === null ? 0 : machine.addressInArena(extra.key);
  words[17] = extra === null ? 0 : machine.addressInArena(extra.value);
  words[18] = extra === null ? 0 : extra.count;
  words[19] = Math.max(block.firstOffset, -farOffset);
  words[20] = Math.min(block.lastOffset, farOffset);
  words[21] = mask.address;
  words[22] = mask.headStride;
  words[23] = mask.queryStride;
  words[24] = block.mask === null ? 0 : block.mask.keyStride;
  words[25] = bias.address;
  words[26] = bias.headStride;
  words[27] = bias.queryStride;
  words[28] = block.bias === null ? 0 : block.bias.keyStride;
  words[29] = weights.address;
  words[30] = weights.headStride;
  words[31] = weights.queryStride;
  words[32] = block.weights === null ? 0 : floatWord(block.weights.share);
  words[33] = block.weights?.isAdded === true ? 1 : 0;
  words[34] = block.weights === null ? 0 : block.weights.extraColumn;
  words[35] = logSumExp.address;
  words[36] = logSumExp.headStride;
  words[37] = block.isDecoding ? 1 : 0;
  words[38] = block.partial === null ? 0 : machine.addressInArena(block.partial);
  words[39] = machine.scratch.takeFloats(machine.exports.scratchFloats(headDim, valueDim));
  return machine.scratch.writeWords(words);
}

function queryRows({ query, queryHeadStride, queryStride, headDim, group, queries }: AttentionBlock): Rows {
  return { slice: query, headStride: queryHeadStride, queryStride, length: headDim, group, queries };
}

/** The rows of an output, of a block or of what is merged. */
export function outputRows({
  output,
  outputHeadStride,
  outputStride,
  valueDim,
  group,
  queries,
}: Omit<PartialRows, 'partial' | 'ranges'>): Rows {
  return {
    slice: output,
    headStride: outputHeadStride,
    queryStride: outputStride,
    length: valueDim,
    group,
    queries,
  };
}

function weightsRows({ weights, keys, extra, group, queries }: AttentionBlock): Rows | null {
  if (weights === null) return null;
  const { to, headStride, queryStride, extraColumn } = weights;
  const length = extra === null ? keys : extraColumn + extra.count;
  return { slice: to, headStride, queryStride, length, group, queries };
}

export function logSumExpRows({
  logSumExp,
  group,
  queries,
}: Pick<AttentionBlock, 'logSumExp' | 'group' | 'queries'>): Rows | null {
  if (logSumExp === null) return null;
  return { slice: logSumExp.to, headStride: logSumExp.headStride, queryStride: 1, length: 1, group, queries };
}

function placeStrided(
  machine: Machine,
  { group, queries, keys }: AttentionBlock,
  operand: Strided<Float32Array> | Strided<Uint8Array> | null,
): Placed {
  if (operand === null) return nowhere;
  const { from, headStride, queryStride, keyStride } = operand;
  const length = keyStride === 0 ? 1 : keys;
  return placeInput(machine, { slice: from, headStride, queryStride, length, group, queries });
}
