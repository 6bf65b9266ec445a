// Loads the addon that tools/addons.mjs makes, and picks the instruction set: the best that the processor runs, or the one
// that HEADPOOL_ISA asks for. That variable is a switch for tests, and this file alone in workers/ reads any.
import { describe } from '../../../src/core/errors.js';
import { loadAddon, type AddonProblem } from '../../../src/core/load-addon.js';
import type { InstructionSetNotUsed, KernelProblem } from '../../../src/core/protocol/kernels.js';
import { didYouMean } from '../../../src/core/suggest.js';
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
export function chooseOperations(): AddonChoice | KernelProblem {
  const asked = process.env['HEADPOOL_ISA'] || undefined;
  const addon = loadNativeAddon();
  if ('reason' in addon)
    return asked === undefined
      ? addon
      : { reason: `HEADPOOL_ISA asks for ${asked}, but ${addon.reason}`, isDemand: true };
  const choice = chooseInstructionSet(addon.instructionSets(), asked);
  return 'reason' in choice ? choice : { ...choice, operations: addon.open(choice.name) };
}

/** The operations of a set that was chosen before, whatever HEADPOOL_ISA says meanwhile. */
export function openOperations(title: string): AddonChoice | KernelProblem {
  const addon = loadNativeAddon();
  if ('reason' in addon) return addon;
  const set = addon.instructionSets().find((one) => one.title === title);
  if (set === undefined) return { reason: `the addon has no ${title} any more` };
  return { operations: addon.open(set.name), title, others: [] };
}

/** The addon of this platform, or why there is none. */
export function loadNativeAddon(): Addon | AddonProblem {
  return loadAddon(import.meta.url) as Addon | AddonProblem;
}

type SetChoice = Pick<InstructionSet, 'name' | 'title'> & Pick<AddonChoice, 'others'>;

/** @param asked the name or the title of the set to use; undefined = the best one */
export function chooseInstructionSet(
  sets: readonly InstructionSet[],
  asked: string | undefined,
): SetChoice | KernelProblem {
  const names = sets.filter(({ reason }) => reason === null).map(({ name }) => name);
  const wanted = asked ?? names[0];
  const set = sets.find(({ name, title }) => name === wanted || title === wanted);
  if (set?.reason !== null) {
    const why = set === undefined ? didYouMean(asked!, names) : `: ${set.reason}`;
    return {
      isDemand: true,
      reason: `Expected one of ${names.join(', ')} for \`HEADPOOL_ISA\`, got ${describe(asked)}${why}`,
    };
  }
  const isAsked = asked !== undefined;
  const others = sets
    .filter((other) => other !== set)
    .map(({ title, reason }) => ({
      name: title,
      reason: reason ?? (isAsked ? `HEADPOOL_ISA asks for ${set.title}` : `${set.title} is faster`),
    }));
  return { name: set.name, title: set.title, others };
}
