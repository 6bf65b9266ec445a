// A worker on the software device that loses it under a call of a certain scale, or hears of an error of nobody's.
import { WebGPUContext } from 'gpu.js';
import type { KernelProbe } from '../../../src/core/protocol/kernels.js';
import type { WorkerStart } from '../../../src/core/protocol/messages.js';
import type { JobKernel, TakenPhase } from '../../../workers/kernels/kernel.js';
import { createDeviceKernel, probeKernels } from '../../../workers/kernels/registry.js';
import { serveJobs } from '../../../workers/serve-jobs.js';

/** A call with this scale is under way when the device goes. */
export const losingScale = 13;
/** And with this one when it tells of an error. */
export const failingScale = 14;

export const probe = (): Promise<KernelProbe[]> => probeKernels('gpu');

export async function serve(start: WorkerStart): Promise<void> {
  await serveJobs(start, async (views) => losing(await createDeviceKernel('wgsl', views, start)));
}

function losing(kernel: JobKernel): JobKernel {
  return {
    traits: kernel.traits,
    lost: kernel.lost!,
    release: (regions) => {
      kernel.release!(regions);
    },
    close: () => kernel.close!(),
    async run(phases, isStopped, isResident) {
      const running = kernel.run(phases, isStopped, isResident);
      const { device } = await WebGPUContext.acquire();
      if (hasScale(phases, losingScale)) device.destroy();
      if (hasScale(phases, failingScale)) device.createBuffer({ size: 4, usage: 0xffff });
      await running;
    },
  };
}

function hasScale(phases: readonly TakenPhase[], scale: number): boolean {
  return phases.some(({ work }) => work.kind === 'attend' && work.rules.scale === scale);
}
