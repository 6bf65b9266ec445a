// A worker on the plain kernel that ends as soon as it serves, once the environment of its host says so.
import { exit } from 'node:process';
import type { WorkerStart } from '../../../src/core/protocol/messages.js';
import { createKernel, probeCpuKernels } from '../../../workers/kernels/registry.js';
import { serveJobs } from '../../../workers/serve-jobs.js';

export const probe = probeCpuKernels;

export async function serve(start: WorkerStart): Promise<void> {
  if (process.env['HEADPOOL_TEST_DIES'] !== undefined) exit(3);
  return serveJobs(start, (views) => createKernel('reference', views, start.instructionSet));
}
