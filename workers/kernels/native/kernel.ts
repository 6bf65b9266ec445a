// The native kernel: hands operations to the addon, which computes on the operands where they lie. Nothing is copied.
import { cpuTraits, type KernelTraits } from '../../../src/core/protocol/kernels.js';
import type { Kernel, KernelFactory, Packing, PartialRows, Projection } from '../kernel.js';
import { chooseOperations, type AddonChoice, type Operations } from './addon.js';
import { AttendCall } from './attend.js';

export const nativeKernel: KernelFactory<Kernel> = {
  probe() {
    const choice = chooseOperations();
    return 'reason' in choice ? choice : traitsOf(choice);
  },
  create() {
    const choice = chooseOperations();
    if ('reason' in choice) throw new Error(choice.reason);
    return createKernel(choice.operations, traitsOf(choice));
  },
};

function traitsOf({ operations, title, others }: AddonChoice): KernelTraits {
  const { panelColumns, flopPerRound } = operations;
  return {
    ...cpuTraits,
    instructionSet: title,
    otherInstructionSets: others,
    panelColumns,
    flopPerRound,
    arena: 'plain',
  };
}

// Two large pages of most machines: below, none may fit.
const leastPreparedBytes = 4 * 2 ** 20;

function createKernel(operations: Operations, traits: KernelTraits): Kernel {
  // Written anew for every call; a kernel belongs to one thread.
  const numbers = new Float64Array(11);
  const attendCall = new AttendCall(operations);
  return {
    traits,
    prepare: (floats) => {
      if (floats.byteLength >= leastPreparedBytes) operations.prepare(floats);
    },
    pack: (packing) => {
      pack(operations, numbers, packing);
    },
    project: (projection) => {
      project(operations, numbers, projection);
    },
    attend: (block) => {
      attendCall.run(block);
    },
    merge: (rows) => {
      merge(operations, numbers, rows);
    },
    multiplyAdd: (rounds) => {
      numbers[0] = rounds;
      operations.multiplyAdd(numbers);
    },
    read: ({ data, offset }, length) => {
      numbers[0] = length;
      numbers[1] = offset;
      operations.sum(numbers, data);
    },
  };
}

// The order of the numbers is that in which calls.h reads them.
function pack(operations: Operations, numbers: Float64Array, packing: Packing): void {
  const { weight, bias, columns, depth, panels } = packing;
  numbers[0] = columns;
  numbers[1] = depth;
  numbers[2] = weight.offset;
  numbers[3] = bias?.offset ?? 0;
  numbers[4] = panels.offset;
  operations.pack(numbers, weight.data, bias?.data ?? null, panels.data);
}

function project(operations: Operations, numbers: Float64Array, p: Projection): void {
  numbers[0] = p.rowCount;
  numbers[1] = p.depth;
  numbers[2] = p.columns;
  numbers[3] = p.depth; // from row to row
  numbers[4] = p.rows.offset;
  numbers[5] = p.panels.offset;
  numbers[6] = p.outputStride;
  numbers[7] = p.output.offset;
  operations.project(numbers, p.rows.data, p.panels.data, p.output.data);
}

function merge(operations: Operations, numbers: Float64Array, rows: PartialRows): void {
  const { partial, output, logSumExp, headScale } = rows;
  numbers[0] = rows.queries;
  numbers[1] = rows.group;
  numbers[2] = rows.valueDim;
  numbers[3] = rows.ranges;
  numbers[4] = partial.offset;
  numbers[5] = output.rowStride;
  numbers[6] = output.headStride;
  numbers[7] = output.offset;
  numbers[8] = logSumExp?.headStride ?? 0;
  numbers[9] = logSumExp?.offset ?? 0;
  numbers[10] = headScale?.offset ?? 0;
  operations.merge(numbers, partial.data, output.data, logSumExp?.data ?? null, headScale?.data ?? null);
}
