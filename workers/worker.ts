// The piscina entry of a worker thread: what it can compute with, and serving jobs with one of its kernels.
import { Activity } from '../src/core/protocol/activity.js';
import { Bells } from '../src/core/protocol/bells.js';
import type { Device, KernelProbe } from '../src/core/protocol/kernels.js';
import type { WorkerStart } from '../src/core/protocol/messages.js';
import type { HelpingThread, HelpStart, WorkerModule } from '../src/core/protocol/worker-module.js';
import { RegionViews } from '../src/core/tensor/region.js';
import { createDeviceKernel, createKernel, isCpuKernel, probeKernels } from './kernels/registry.js';
import { serveJobs } from './serve-jobs.js';
import { UnitJob } from './unit-job.js';

export async function probe(device: Device): Promise<KernelProbe[]> {
  return probeKernels(device);
}

export async function serve(start: WorkerStart): Promise<void> {
  const { kernel, instructionSet } = start;
  return serveJobs(start, (views) =>
    isCpuKernel(kernel)
      ? createKernel(kernel, views, instructionSet)
      : createDeviceKernel(kernel, views, start),
  );
}

export function help({
  index,
  kernel: name,
  instructionSet,
  memory,
  bells,
  activity,
}: HelpStart): HelpingThread | null {
  if (!isCpuKernel(name)) return null;
  const views = new RegionViews(memory);
  const kernel = createKernel(name, views, instructionSet);
  // Of WebAssembly the thread may have come to another one than the workers: a flag of V8 has changed since.
  if (kernel.traits.instructionSet !== instructionSet) return null;
  const thread = { index, kernel, views, bells: new Bells(bells), activity: new Activity(activity) };
  return (job) => new UnitJob(job, thread);
}

({ probe, serve, help }) satisfies WorkerModule;
