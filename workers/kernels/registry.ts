// The kernels, best first, and the only importer of their implementations. Those of a device are loaded when they are asked
// for: what they need takes long to load, and may not be installed.
import type { RegionViews } from '../../src/core/tensor/region.js';
import {
  kernelsOf,
  type CpuKernelName,
  type Device,
  type GpuKernelName,
  type KernelName,
  type KernelProbe,
} from '../../src/core/protocol/kernels.js';
import type { WorkerStart } from '../../src/core/protocol/messages.js';
import type { JobKernel, Kernel, KernelFactory } from './kernel.js';
import { nativeKernel } from './native/native-kernel.js';
import { referenceKernel } from './reference/reference-kernel.js';
import { wasmKernel } from './wasm/wasm-kernel.js';

const factories: Readonly<Record<CpuKernelName, KernelFactory>> = {
  native: nativeKernel,
  wasm: wasmKernel,
  reference: referenceKernel,
};

/** What each kernel of the device is on this machine or why it can't run, best first. */
export async function probeKernels(device: Device): Promise<KernelProbe[]> {
  if (device === 'cpu') return probeCpuKernels();
  const { probeDevice } = await import('./gpu/gpu-kernel.js');
  return probeDevice(kernelsOf.gpu);
}

export function probeCpuKernels(): KernelProbe[] {
  return kernelsOf.cpu.map((name) => {
    const answer = factories[name].probe();
    return 'reason' in answer
      ? { name, available: false, ...answer }
      : { name, available: true, traits: answer };
  });
}

export function isCpuKernel(name: KernelName): name is CpuKernelName {
  return name in factories;
}

/** A kernel of that name for the calling thread, as a probe told of it. */
export function createKernel(name: CpuKernelName, views: RegionViews, instructionSet: string): Kernel {
  return factories[name].create(views, instructionSet);
}

/** The kernel of that name, and the device as this thread's own. */
export async function createDeviceKernel(
  name: GpuKernelName,
  views: RegionViews,
  { counters }: Pick<WorkerStart, 'counters'>,
): Promise<JobKernel> {
  const { createGpuKernel } = await import('./gpu/gpu-kernel.js');
  return createGpuKernel(name, views, counters);
}
