// The reference kernel: plain TypeScript, float32 after every operation, no tricks. It is what the others are read
// against and what runs where nothing else can; see oracle.ts for the float64 program that both are measured with.
import { cpuTraits, type KernelTraits } from '../../../src/core/protocol/kernels.js';
import type { Floats, Kernel, KernelFactory } from '../kernel.js';
import { attend } from './attend.js';
import { merge } from './merge.js';
import { pack, project } from './project.js';

const traits: KernelTraits = {
  ...cpuTraits,
  instructionSet: 'JavaScript',
  panelColumns: 1,
  flopPerRound: 8,
  arena: 'plain',
};

const kernel: Kernel = { traits, prepare, pack, project, attend, merge, multiplyAdd, read };

export const referenceKernel: KernelFactory = {
  probe: () => traits,
  create: () => kernel,
};

// Objects of JavaScript lie where the engine wants them.
function prepare(): void {}

function multiplyAdd(rounds: number): void {
  const { fround } = Math;
  let a = fround(0.1);
  let b = fround(0.2);
  let c = fround(0.3);
  let d = fround(0.4);
  const factor = fround(0.999);
  for (let n = 0; n < rounds; n++) {
    a = fround(fround(a * factor) + factor);
    b = fround(fround(b * factor) + factor);
    c = fround(fround(c * factor) + factor);
    d = fround(fround(d * factor) + factor);
  }
  // The sum is used, so that the loop has to run.
  if (Number.isNaN(a + b + c + d)) throw new RangeError('Multiply-adds of finite numbers made a NaN');
}

function read({ data, offset }: Floats, length: number): void {
  let sum = 0;
  for (let n = offset; n < offset + length; n++) sum += data[n]!;
  if (Number.isNaN(sum)) throw new RangeError('The numbers to read must not be NaN');
}
