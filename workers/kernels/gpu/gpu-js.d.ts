// What the types of gpu.js leave out: its WebGPU backend.
/// <reference types="@webgpu/types" />
import type { IGPUKernelSettings, Kernel } from 'gpu.js';

declare module 'gpu.js' {
  /** What all kernels of a thread share. */
  interface WebGPUContextState {
    readonly device: GPUDevice;
    readonly isLost: boolean;
  }

  class WebGPUContext {
    static acquire(): Promise<WebGPUContextState>;
    static destroy(): Promise<void>;
  }

  class WebGPUKernel extends Kernel {
    constructor(source: string, settings: IGPUKernelSettings);
    override readonly context: WebGPUContextState;
    override build(): Promise<void>;
    assembleWGSL(): string;
    /** The part of a build that waits for the device. */
    _buildAsync(): Promise<void>;
  }
}
