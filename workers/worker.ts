// The piscina entry of a worker thread: what it can compute with, and serving jobs with one of its kernels.
import type { KernelProbe } from '../src/core/protocol/kernels.js';
import type { WorkerStart } from '../src/core/protocol/messages.js';
import { createKernel, probeKernels } from './kernels/registry.js';
import { serveJobs } from './serve-jobs.js';

/** What kernels this machine has; answering at all proves that workers can start. */
export function probe(): KernelProbe[] {
  return probeKernels();
}

/** Serves jobs until the pool closes. */
export async function serve(start: WorkerStart): Promise<void> {
  return serveJobs(start, (views) => createKernel(start.kernel, views));
}
