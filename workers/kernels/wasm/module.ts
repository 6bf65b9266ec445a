// Chooses and instantiates the WebAssembly module: relaxed SIMD where the engine validates it, plain SIMD elsewhere.
import { readFileSync } from 'node:fs';

/** The functions that exports.cc exports; every address is one of bytes in the shared memory. */
export interface Exports {
  readonly __stack_pointer: WebAssembly.Global;
  panelColumns(): number;
  scratchFloats(headDim: number, valueDim: number): number;
  readonly pack: Operation;
  readonly project: Operation;
  readonly attend: Operation;
  readonly merge: Operation;
  multiplyAddRounds(rounds: number, seed: number): number;
  sumFloats(data: number, count: number): number;
  /** The address of the kinds and names of all parameters, as the operations take them. */
  parameterNames(): number;
}

/** Takes the address of the words that wasm-call.ts writes. */
export type Operation = (words: number) => void;

const variants = [
  { file: 'relaxed.wasm', instructionSet: 'WebAssembly relaxed SIMD' },
  { file: 'simd.wasm', instructionSet: 'WebAssembly SIMD' },
] as const;

export interface ModuleChoice {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly instructionSet: string;
}

/** The best module that this engine accepts, or why there is none. */
export function chooseModule(): ModuleChoice | { readonly reason: string } {
  for (const { file, instructionSet } of variants) {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = readFileSync(new URL(file, import.meta.url));
    } catch (cause) {
      return {
        reason: `${file} can't be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown'}); was it built?`,
      };
    }
    if (WebAssembly.validate(bytes)) return { bytes, instructionSet };
  }
  return { reason: 'this JavaScript engine accepts no WebAssembly module with SIMD and shared memory' };
}

// The linker's default: the first 64 KiB are the module's own stack, which only the instance that asked first may use.
const stackBytes = 64 * 1024;

/** An instance on the shared memory with a stack of its own. */
export function instantiate({ bytes }: ModuleChoice, memory: WebAssembly.Memory): Exports {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const exports = instance.exports as unknown as Exports;
  // Growing hands out pages that no other thread has: room for a stack without asking the coordinator.
  const stackStart = memory.grow(stackBytes / 65_536) * 65_536;
  exports.__stack_pointer.value = stackStart + stackBytes;
  return exports;
}
