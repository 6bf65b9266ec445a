// A worker on the plain kernel whose units fail in the ways that the scale of their call names.
import { closeSync, openSync } from 'node:fs';
import type { WorkerStart } from '../../../src/core/protocol/messages.js';
import { createKernel, probeCpuKernels } from '../../../workers/kernels/registry.js';
import { serveJobs } from '../../../workers/serve-jobs.js';
import { faults, type Fault } from '../../helpers/flaky-faults.js';

export const probe = probeCpuKernels;

export async function serve(start: WorkerStart): Promise<void> {
  return serveJobs(start, (views) => {
    const kernel = createKernel('reference', views, start.instructionSet);
    return {
      ...kernel,
      attend(block) {
        const name = Object.keys(faults).find((fault) => faults[fault as Fault].scale === block.rules.scale);
        if (name !== undefined && isDue(faults[name as Fault].times)) fail(name as Fault);
        kernel.attend(block);
      },
    };
  });
}

/** Whether the fault is to happen once more, among all threads: each time takes a file that nobody has made before. */
function isDue(times: number): boolean {
  for (let n = 0; n < times; n++) {
    try {
      closeSync(openSync(`${process.env['HEADPOOL_TEST_FAULTS']!}/${n}`, 'wx'));
      return true;
    } catch {
      continue;
    }
  }
  return false;
}

function fail(fault: Fault): void {
  if (fault.startsWith('throws')) throw new Error('on purpose');
  if (fault.startsWith('exits')) process.exit(7);
  if (fault.startsWith('hangs')) for (;;);
  const held: unknown[] = [];
  for (;;) held.push(new Array(1e5).fill(held.length));
}
