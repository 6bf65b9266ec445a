// The WebAssembly kernel: hands operations to the compiled C++ source. Operands inside the shared memory are used in
// place; what lies outside is copied into the worker's scratch space and, for outputs, back.
import { cpuTraits, type KernelTraits } from '../../../src/core/protocol/kernels.js';
import type { Kernel, KernelFactory } from '../kernel.js';
import { writeAttention, writePacking, writePartialRows, writeProjection } from '../parameters.js';
import { Machine } from './machine.js';
import { chooseModule, type ModuleChoice } from './module.js';
import { createWasmCall } from './wasm-call.js';

// 4 lanes x 2 vectors of register tile, as in exports.cc; `create` compares.
const panelColumns = 8;
// 12 chains of 4 lanes, two operations each.
const flopPerRound = 96;

export const wasmKernel: KernelFactory = {
  probe() {
    const choice = chooseModule();
    return 'reason' in choice ? choice : traitsOf(choice);
  },
  create(views) {
    const choice = chooseModule();
    if ('reason' in choice) throw new Error(choice.reason);
    if (views.memory === undefined) throw new TypeError('The WebAssembly kernel needs the arena memory');
    const machine = new Machine(choice, views.memory, views);
    if (machine.exports.panelColumns() !== panelColumns)
      throw new Error('exports.cc has panels of another width');
    return createKernel(machine, traitsOf(choice));
  },
};

function traitsOf({ instructionSet }: ModuleChoice): KernelTraits {
  return { ...cpuTraits, instructionSet, panelColumns, flopPerRound, arena: 'webassembly' };
}

function createKernel(machine: Machine, traits: KernelTraits): Kernel {
  const { exports } = machine;
  return {
    traits,
    // The pages of a WebAssembly.Memory are the engine's business.
    prepare: () => undefined,
    pack: createWasmCall(machine, exports.pack, writePacking),
    project: createWasmCall(machine, exports.project, writeProjection),
    attend: createWasmCall(machine, exports.attend, writeAttention),
    merge: createWasmCall(machine, exports.merge, writePartialRows),
    multiplyAdd: (rounds) => {
      exports.multiplyAddRounds(rounds, 0.5);
    },
    read: (floats, length) => {
      exports.sumFloats(machine.addressOfRun(floats, 'resident', length), length);
    },
  };
}
