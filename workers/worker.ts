// The piscina entry of a worker thread: what it can compute with, and serving jobs with one of its kernels.
import { Activity } from '../src/core/protocol/activity.js';
import { Bells } from '../src/core/protocol/bells.js';
import type { KernelProbe } from '../src/core/protocol/kernels.js';
import type { WorkerStart } from '../src/core/protocol/messages.js';
import type { HelpingThread, HelpStart, WorkerModule } from '../src/core/protocol/worker-module.js';
import { RegionViews } from '../src/core/tensor/region.js';
import { createKernel, probeKernels } from './kernels/registry.js';
import { serveJobs } from './serve-jobs.js';
import { UnitJob } from './unit-job.js';

export function probe(): KernelProbe[] {
  return probeKernels();
}

export async function serve(start: WorkerStart): Promise<void> {
  return serveJobs(start, (views) => createKernel(start.kernel, views));
}

export function help({
  index,
  kernel: name,
  instructionSet,
  memory,
  bells,
  activity,
}: HelpStart): HelpingThread | null {
  const views = new RegionViews(memory);
  const kernel = createKernel(name, views);
  // The thread may have come to another one than the workers: the variable that chooses has changed since.
  if ('run' in kernel || kernel.traits.instructionSet !== instructionSet) return null;
  const thread = { index, kernel, views, bells: new Bells(bells), activity: new Activity(activity) };
  return (job) => new UnitJob(job, thread);
}

({ probe, serve, help }) satisfies WorkerModule;
