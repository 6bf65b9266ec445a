// The native kernel: hands operations to the addon, which computes on the operands where they lie. Nothing is copied.
import { cpuTraits, type KernelTraits } from '../../../src/core/protocol/kernels.js';
import type { Kernel, KernelFactory } from '../kernel.js';
import { writeAttention, writePacking, writePartialRows, writeProjection } from '../parameters.js';
import { chooseOperations, openOperations, type AddonChoice, type Operations } from './addon.js';
import { createNativeCall } from './native-call.js';

export const nativeKernel: KernelFactory = {
  probe() {
    const choice = chooseOperations();
    return 'reason' in choice ? choice : traitsOf(choice);
  },
  create(_views, instructionSet) {
    const choice = openOperations(instructionSet);
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
  return {
    traits,
    prepare: (floats) => {
      if (floats.byteLength >= leastPreparedBytes) operations.prepare(floats);
    },
    pack: createNativeCall(operations, operations.pack, writePacking),
    project: createNativeCall(operations, operations.project, writeProjection),
    attend: createNativeCall(operations, operations.attend, writeAttention),
    merge: createNativeCall(operations, operations.merge, writePartialRows),
    multiplyAdd: (rounds) => {
      operations.multiplyAdd(Float64Array.of(rounds));
    },
    read: ({ data, offset }, length) => {
      operations.sum(Float64Array.of(length, offset), data);
    },
  };
}
