// Loads the addon that tools/build-native.mjs made, and picks the instruction set: the best that the processor runs, or
// the one that HEADPOOL_ISA asks for. That variable is a switch for tests, and this file alone in workers/ reads any.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { InstructionSetNotUsed } from '../../../src/core/protocol/kernels.js';
import type { Numbers } from '../parameters.js';

/** Takes what parameters.ts writes: numbers, then operands. Writes in place. */
export type Operation = (numbers: Float64Array, ...operands: readonly (Numbers | null)[]) => void;

/** The operations of one instruction set. */
export interface Operations {
  readonly panelColumns: number;
  readonly flopPerRound: number;
  scratchFloats(numbers: Float64Array): number;
  /** Asks the system for large pages, before the memory is first written. */
  prepare(floats: Float32Array): void;
  readonly pack: Operation;
  readonly project: Operation;
  readonly attend: Operation;
  readonly merge: Operation;
  multiplyAdd(numbers: Float64Array): number;
  sum(numbers: Float64Array, floats: Float32Array): number;
}

/** An instruction set of this architecture; `reason` says why it can't run here, null that it can. */
export interface InstructionSet {
  readonly name: string;
  readonly title: string;
  readonly reason: string | null;
}

export interface Addon {
  /** Best first. */
  instructionSets(): InstructionSet[];
  /** The kinds and names of all parameters, as the operations take them. */
  parameterNames(): string;
  open(name: string): Operations;
}

export interface AddonChoice {
  readonly operations: Operations;
  readonly title: string;
  readonly others: readonly InstructionSetNotUsed[];
}

/** The operations to use, or why there are none. Never throws. */
export function chooseOperations(): AddonChoice | { readonly reason: string } {
  const addon = loadAddon();
  if ('reason' in addon) return addon;
  const choice = chooseInstructionSet(addon.instructionSets(), process.env['HEADPOOL_ISA']);
  if ('reason' in choice) return choice;
  const { name, title, others } = choice;
  return { operations: addon.open(name), title, others };
}

/** The addon of this platform, or why there is none. */
export function loadAddon(): Addon | { readonly reason: string } {
  const target = `${process.platform}-${process.arch}`;
  const path = fileURLToPath(new URL(`${target}.node`, import.meta.url));
  if (!existsSync(path))
    return { reason: `no addon for ${target}: it is built where a C++ compiler is (npm run build)` };
  try {
    return createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    return { reason: (error as Error).message.split('\n', 1)[0]! };
  }
}

/** @param asked the name of the set to use; undefined = the best one */
export function chooseInstructionSet(
  sets: readonly InstructionSet[],
  asked: string | undefined,
): (Pick<InstructionSet, 'name' | 'title'> & Pick<AddonChoice, 'others'>) | { readonly reason: string } {
  const names = sets.map(({ name }) => name);
  const wanted = asked ?? sets.find(({ reason }) => reason === null)?.name;
  const set = sets.find(({ name }) => name === wanted);
  if (set === undefined)
    return { reason: `Expected one of ${names.join(', ')} for HEADPOOL_ISA, got '${asked}'` };
  if (set.reason !== null) return { reason: `HEADPOOL_ISA asks for ${set.title}: ${set.reason}` };
  const isAsked = asked !== undefined;
  const others = sets
    .filter((other) => other !== set)
    .map(({ title, reason }) => ({
      name: title,
      reason: reason ?? (isAsked ? `HEADPOOL_ISA asks for ${set.title}` : `${set.title} is faster`),
    }));
  return { name: set.name, title: set.title, others };
}
