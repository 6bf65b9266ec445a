// Merging on the WebAssembly kernel: places the operands and writes the parameter block of the C++ source.
import { partialFloats } from '../../../src/core/protocol/attention-work.js';
import type { PartialRows } from '../kernel.js';
import { logSumExpRows, outputRows, placeMembers } from './attend.js';
import type { Machine } from './machine.js';
import { copyBack, nowhere, placeOutput } from './rows.js';

const words = new Int32Array(12);

export function merge(machine: Machine, rows: PartialRows): void {
  machine.scratch.reset();
  const outputs = outputRows(rows);
  const sums = logSumExpRows(rows);
  const output = placeOutput(machine, outputs);
  const logSumExp = sums === null ? nowhere : placeOutput(machine, sums);
  const rowCount = rows.queries * rows.group;
  // The fields of `struct Merge` in operations.h, in its order.
  words[0] = machine.addressInArena(rows.partial);
  words[1] = rows.ranges;
  words[2] = rowCount * partialFloats(rows.valueDim);
  words[3] = rowCount;
  words[4] = rows.group;
  words[5] = rows.valueDim;
  words[6] = output.address;
  words[7] = output.queryStride;
  words[8] = output.headStride;
  words[9] = logSumExp.address;
  words[10] = logSumExp.headStride;
  words[11] = placeMembers(machine, rows.headScale, rows.group);
  machine.exports.merge(machine.scratch.writeWords(words));
  copyBack(machine, outputs, output);
  if (sums !== null) copyBack(machine, sums, logSumExp);
}
