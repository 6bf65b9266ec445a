// The WebAssembly kernel: hands operations to the compiled C++ source. Operands inside the shared memory are used in
// place; what lies outside is copied into the worker's scratch space and, for outputs, back.
import { cpuTraits, type KernelTraits } from '../../../src/core/protocol/kernels.js';
import type { Floats, Kernel, KernelFactory, Packing, Projection } from '../kernel.js';
import { attend } from './attend.js';
import { Machine } from './machine.js';
import { merge } from './merge.js';
import { chooseModule, type ModuleChoice } from './module.js';
import { copyBack, placeOutput } from './rows.js';

// 4 lanes x 2 vectors of register tile, as in exports.cc; `create` compares.
const panelColumns = 8;
// 12 chains of 4 lanes, two operations each.
const flopPerRound = 96;

export const wasmKernel: KernelFactory<Kernel> = {
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
  return {
    traits,
    // The pages of a WebAssembly.Memory are the engine's business.
    prepare: () => undefined,
    pack: (packing) => {
      pack(machine, packing);
    },
    project: (projection) => {
      project(machine, projection);
    },
    attend: (block) => {
      attend(machine, block);
    },
    merge: (rows) => {
      merge(machine, rows);
    },
    multiplyAdd: (rounds) => {
      machine.exports.multiplyAddRounds(rounds, 0.5);
    },
    read: (floats, length) => {
      machine.exports.sumFloats(machine.addressInArena(floats), length);
    },
  };
}

function pack(machine: Machine, { weight, bias, columns, depth, panels }: Packing): void {
  machine.scratch.reset();
  const weightAddress = placeRun(machine, weight, columns * depth);
  const biasAddress = bias === null ? 0 : placeRun(machine, bias, columns);
  machine.exports.pack(weightAddress, biasAddress, columns, depth, machine.addressInArena(panels));
}

const words = new Int32Array(12);

function project(machine: Machine, p: Projection): void {
  const { rowCount, depth, columns } = p;
  machine.scratch.reset();
  const rows = {
    slice: p.output,
    group: 1,
    queries: rowCount,
    headStride: 0,
    queryStride: p.outputStride,
    length: columns,
  };
  const output = placeOutput(machine, rows);
  // The fields of `struct Projection` in operations.h, in its order.
  words.set([rowCount, depth, columns]);
  words.set([machine.addressOfRows(p.rows, rowCount * depth), 0, depth, 1], 3);
  words[7] = machine.addressInArena(p.panels);
  words.set([output.address, 0, output.queryStride, 1], 8);
  machine.exports.project(machine.scratch.writeWords(words));
  copyBack(machine, rows, output);
}

/** The address of `length` neighbours, in place or copied in. */
function placeRun(machine: Machine, slice: Floats, length: number): number {
  const { data, offset } = slice;
  return machine.addressOf(slice) ?? machine.scratch.copyIn(data.subarray(offset, offset + length));
}
