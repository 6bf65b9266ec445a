// gpu.js as the plain kernels use it: its translator of JavaScript to WGSL, which needs no device. Loaded when first asked
// for, as it is an optional package; its types leave this class out.
import { createRequire } from 'node:module';

/** A kernel of gpu.js for WebGPU, as far as it translates. */
export interface TranslatingKernel {
  readonly argumentNames: readonly string[];
  /** Of functions that the kernel calls, and of the kernel. */
  readonly translatedFunctions: string;
  readonly translatedBody: string;
  setupConstants(): void;
  setupArguments(examples: readonly unknown[]): void;
  translateSource(): void;
}

/** A function that a kernel calls. */
export interface CalledFunction {
  readonly name: string;
  readonly source: string;
  readonly argumentTypes: readonly 'Number'[];
  readonly returnType: 'Number';
}

interface TranslationSettings {
  readonly argumentTypes: readonly string[];
  readonly functions: readonly CalledFunction[];
  readonly output: readonly [number, number, number];
}

interface GpuJs {
  readonly WebGPUKernel: new (source: string, settings: TranslationSettings) => TranslatingKernel;
}

export function loadGpuJs(): GpuJs {
  return createRequire(import.meta.url)('gpu.js') as GpuJs;
}
