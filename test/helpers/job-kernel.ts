// A kernel that takes whole phases or jobs and answers later, as one on a device does: it computes as the reference
// kernel, unit by unit, and lets other calls go on in between.
import { unitWords } from '../../src/core/protocol/tables.js';
import type { KernelProbe, KernelTraits } from '../../src/core/protocol/kernels.js';
import type { WorkerStart } from '../../src/core/protocol/messages.js';
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { JobKernel } from '../../workers/kernels/kernel.js';
import { createKernel, probeCpuKernels } from '../../workers/kernels/registry.js';
import { openPhase } from '../../workers/phases.js';
import { serveJobs } from '../../workers/serve-jobs.js';

/** A call with this scale fails. */
export const failingScale = 13;
/** And one with this scale is never done. */
export const hangingScale = 14;

/** What a worker's module exports. */
export function jobWorker(takes: 'phases' | 'jobs'): {
  readonly probe: () => KernelProbe[];
  readonly serve: (start: WorkerStart) => Promise<void>;
} {
  const reference = probeCpuKernels().find(({ name }) => name === 'reference')!;
  if (!reference.available) throw new Error(reference.reason);
  const traits: KernelTraits = {
    ...reference.traits,
    device: 'gpu',
    takes,
    mostWorkers: 1,
    unitRows: 40,
    refuses: ['sinks'],
  };
  return {
    probe: () => [{ name: 'reference', available: true, traits }],
    serve: (start) => serveJobs(start, (views) => createJobKernel(traits, views)),
  };
}

function createJobKernel(traits: KernelTraits, views: RegionViews): JobKernel {
  const operations = createKernel('reference', views, 'JavaScript');
  let close: (reason: Error) => void;
  const closed = new Promise<never>((_, reject) => {
    close = reject;
  });
  closed.catch(() => undefined);
  return {
    traits,
    close() {
      close(new Error('the device is closed'));
      return Promise.resolve();
    },
    async run(phases, isStopped) {
      if (traits.takes === 'phases' && phases.length !== 1) throw new Error('expected one phase at a time');
      for (const { work, entries, units } of phases) {
        if (work.kind === 'attend' && work.rules.scale === failingScale)
          throw new Error('the device is lost');
        if (work.kind === 'attend' && work.rules.scale === hangingScale) await closed;
        const runUnit = openPhase(work, entries, views, operations);
        for (let at = 0; at < units.length && !isStopped(); at += unitWords) {
          await new Promise(setImmediate);
          runUnit(units.subarray(at, at + unitWords));
        }
      }
    },
  };
}
