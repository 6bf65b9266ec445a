// Merging on the WebAssembly kernel: places the operands and writes the parameter block of the C++ source.
import { partialFloats } from '../../../src/core/protocol/attention-work.js';
import type { PartialRows } from '../kernel.js';
import { logSumExpRows, outputRows, placeMembers } from './attend.js';
import type { Machine } from './machine.js';
import { copyBack, nowhere, placeOutput } from './rows.js';

const words = new Int32Array(21);

export function merge(machine: Machine, rows: PartialRows): void {
  machine.scratch.reset();
  const outputs = outputRows(rows);
  const sums = logSumExpRows(rows);
  const output = placeOutput(machine, outputs);
  const logSumExp = sums === null ? nowhere : placeOutput(machine, sums);
  const rowFloats = partialFloats(rows.valueDim);
  // The fields of `struct Merge` in operations.h, in its order.
  words.set([rows.queries, rows.group, rows.valueDim]);
  words.set([output.address, output.headStride, output.queryStride, 1], 3);
  words.set([logSumExp.address, logSumExp.headStride, logSumExp.queryStride, 1], 7);
  words.set([placeMembers(machine, rows.headScale, rows.group), 1, 0, 0], 11);
  words.set([rows.ranges, machine.addressInArena(rows.partial), rowFloats, rows.group * rowFloats, 1], 15);
  words[20] = rows.queries * rows.group * rowFloats;
  machine.exports.merge(machine.scratch.writeWords(words));
  copyBack(machine, outputs, output);
  if (sums !== null) copyBack(machine, sums, logSumExp);
}
