// The kernels, best first, and the only importer of their implementations.
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { KernelName, KernelProbe } from '../../src/core/protocol/kernels.js';
import type { JobKernel, Kernel, KernelFactory } from './kernel.js';
import { nativeKernel } from './native/kernel.js';
import { referenceKernel } from './reference/reference-kernel.js';
import { wasmKernel } from './wasm/kernel.js';

const factories: readonly (readonly [KernelName, KernelFactory])[] = [
  ['native', nativeKernel],
  ['wasm', wasmKernel],
  ['reference', referenceKernel],
];

/** What each kernel is on this machine or why it can't run, best first. */
export function probeKernels(): KernelProbe[] {
  return factories.map(([name, factory]) => {
    const answer = factory.probe();
    return 'reason' in answer
      ? { name, available: false, reason: answer.reason }
      : { name, available: true, traits: answer };
  });
}

/** A kernel of that name for the calling thread. */
export function createKernel(name: KernelName, views: RegionViews): Kernel | JobKernel {
  return new Map(factories).get(name)!.create(views);
}
