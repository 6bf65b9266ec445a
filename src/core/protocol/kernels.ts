// What both sides call a kernel, and what it says of itself on a machine.

/** Best first. */
export const kernelNames = ['native', 'wasm', 'reference'] as const;
export type KernelName = (typeof kernelNames)[number];

/** What a kernel is on this machine, or why it can't be. Best first in the answer to a probe. */
export type KernelProbe =
  | { readonly name: KernelName; readonly available: true; readonly traits: KernelTraits }
  | { readonly name: KernelName; readonly available: false; readonly reason: string };

export interface KernelTraits {
  readonly instructionSet: string;
  /** Those that the kernel could be compiled for besides, best first; where it has a choice. */
  readonly otherInstructionSets?: readonly InstructionSetNotUsed[];
  /** Columns of a panel of packed weights. */
  readonly panelColumns: number;
  /** FLOP of one round of its loop of nothing but multiply-adds. */
  readonly flopPerRound: number;
  /** Where the kernel wants its working memory. */
  readonly arena: 'webassembly' | 'plain';
}

/** An instruction set, and why it isn't the one in use. */
export interface InstructionSetNotUsed {
  readonly name: string;
  readonly reason: string;
}
