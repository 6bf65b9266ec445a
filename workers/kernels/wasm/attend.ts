// Attention blocks on the WebAssembly kernel: places the operands and writes the parameter block of the C++ source.
import type { AttentionBlock, Strided } from '../kernel.js';
import type { Machine } from './machine.js';
import { placeInput, placeOutput, type Placed } from './rows.js';
import { floatWord } from './scratch.js';

// Offsets of "no bound" plus the position in the longest sequence must stay inside 32 bits.
const farOffset = 2 ** 30;

export function attend(machine: Machine, block: AttentionBlock): void {
  const { exports, scratch } = machine;
  const { queries, group, keys, headDim, valueDim, extra } = block;
  const rows = { group, queries };
  scratch.reset();

  const query = placeInput(machine, {
    ...rows,
    slice: block.query,
    headStride: block.queryHeadStride,
    queryStride: block.queryStride,
    length: headDim,
  });
  const output = placeOutput(
    machine,
    {
      ...rows,
      slice: block.output,
      headStride: block.outputHeadStride,
      queryStride: block.outputStride,
      length: valueDim,
    },
    false,
  );
  const mask = placeStrided(machine, block, block.mask);
  const bias = placeStrided(machine, block, block.bias);
  const weights =
    block.weights &&
    placeOutput(
      machine,
      { ...rows, ...block.weights, slice: block.weights.to, length: keys + (extra?.count ?? 0) },
      block.weights.isAdded,
    );
  const logSumExp =
    block.logSumExp &&
    placeOutput(
      machine,
      { ...rows, slice: block.logSumExp.to, headStride: block.logSumExp.headStride, queryStride: 1, length: 1 },
      false,
    );

  // The fields of `struct Attention` in attention.h, in its order.
  const words = [
    ...[query.address, query.queryStride, query.headStride],
    ...[machine.addressInArena(block.key), block.keyStride],
    ...[machine.addressInArena(block.value), block.valueStride],
    ...[output.address, output.queryStride, output.headStride],
    ...[queries, group, keys, headDim, valueDim, floatWord(block.scale)],
    ...(extra === null ? [0, 0, 0] : [machine.addressInArena(extra.key), machine.addressInArena(extra.value), extra.count]),
    ...[Math.max(block.firstOffset, -farOffset), Math.min(block.lastOffset, farOffset)],
    ...[mask?.address ?? 0, mask?.headStride ?? 0, mask?.queryStride ?? 0, block.mask?.keyStride ?? 0],
    ...[bias?.address ?? 0, bias?.headStride ?? 0, bias?.queryStride ?? 0, block.bias?.keyStride ?? 0],
    ...[weights?.address ?? 0, weights?.headStride ?? 0, weights?.queryStride ?? 0],
    ...[floatWord(block.weights?.share ?? 0), block.weights?.isAdded === true ? 1 : 0],
    ...[logSumExp?.address ?? 0, logSumExp?.headStride ?? 0],
    scratch.takeFloats(exports.scratchFloats(headDim, valueDim)),
  ];
  exports.attend(scratch.writeWords(words));

  output.copyBack();
  weights?.copyBack();
  logSumExp?.copyBack();
}

function placeStrided(
  machine: Machine,
  { group, queries, keys }: AttentionBlock,
  operand: Strided<Float32Array> | Strided<Uint8Array> | null,
): Placed | null {
  if (operand === null) return null;
  const { from, headStride, queryStride, keyStride } = operand;
  const length = keyStride === 0 ? 1 : keys;
  return placeInput<Float32Array | Uint8Array>(machine, {
    slice: from,
    headStride,
    queryStride,
    length,
    group,
    queries,
  });
}
