// A worker on the software device whose bindings hold only as many bytes as the environment says; one that is larger fails
// the call, as the device would.
import { WebGPUContext } from 'gpu.js';
import type { KernelProbe } from '../../../src/core/protocol/kernels.js';
import type { WorkerStart } from '../../../src/core/protocol/messages.js';
import type { JobKernel } from '../../../workers/kernels/kernel.js';
import { createDeviceKernel, probeKernels } from '../../../workers/kernels/registry.js';
import { serveJobs } from '../../../workers/serve-jobs.js';

export const probe = (): Promise<KernelProbe[]> => probeKernels('gpu');

export async function serve(start: WorkerStart): Promise<void> {
  await serveJobs(start, async (views) => limited(await createDeviceKernel('wgsl', views, start)));
}

async function limited(kernel: JobKernel): Promise<JobKernel> {
  const most = Number(process.env['HEADPOOL_TEST_BINDING_BYTES']);
  Object.assign(kernel.traits.adapter!.limits, { maxStorageBufferBindingSize: most });
  const { device } = await WebGPUContext.acquire();
  const createBindGroup = device.createBindGroup.bind(device);
  device.createBindGroup = (descriptor) => {
    for (const { binding, resource } of descriptor.entries) check(resource as GPUBufferBinding, binding);
    return createBindGroup(descriptor);
  };
  const check = ({ buffer, offset = 0, size = buffer.size - offset }: GPUBufferBinding, binding: number) => {
    if (size > most || offset % 256 !== 0 || offset + size > buffer.size)
      throw new Error(`Binding ${binding} has ${size} bytes from ${offset} on`);
  };
  return kernel;
}
