// A worker whose kernel is the plain one of a device, on the software device. What has no plain kernel is computed by the
// phases of processors.
import { cpuTraits, type KernelProbe, type KernelTraits } from '../../../../src/core/protocol/kernels.js';
import { packedLength } from '../../../../src/core/protocol/layout.js';
import type { PackWork } from '../../../../src/core/protocol/layer-work.js';
import type { WorkerStart } from '../../../../src/core/protocol/messages.js';
import { unitWords } from '../../../../src/core/protocol/tables.js';
import type { RegionViews } from '../../../../src/core/tensor/region.js';
import { plainProgram, plainRefuses } from '../../../../workers/kernels/gpu/plain/programs.js';
import type { JobKernel, Kernel, TakenPhase } from '../../../../workers/kernels/kernel.js';
import { createKernel } from '../../../../workers/kernels/registry.js';
import { openPhase } from '../../../../workers/phases.js';
import { serveJobs } from '../../../../workers/serve-jobs.js';
import { openSoftwareDevice, ProgramRunner } from '../../../helpers/run-program.js';

const traits: KernelTraits = {
  ...cpuTraits,
  device: 'gpu',
  takes: 'phases',
  mostWorkers: 1,
  unitRows: 40,
  refuses: plainRefuses,
  instructionSet: 'gpu.js',
  panelColumns: 4,
  flopPerRound: 1,
  arena: 'plain',
};

export const probe = (): KernelProbe[] => [{ name: 'reference', available: true, traits }];

export async function serve(start: WorkerStart): Promise<void> {
  const device = await openSoftwareDevice();
  // Not destroyed: the thread may be ended at any time after this, and Node aborts where that meets a call of Dawn.
  await serveJobs(start, (views) => createPlainKernel(device, views));
}

function createPlainKernel(device: GPUDevice, views: RegionViews): JobKernel {
  const runner = new ProgramRunner(device, views);
  const { limits } = device;
  const operations = createKernel('reference', views) as Kernel;
  const run = async (phase: TakenPhase): Promise<void> => {
    const { work, units, entries } = phase;
    if (work.kind === 'pack') {
      pack(work, views);
      return;
    }
    const program = plainProgram(phase, { views, limits });
    if (program !== undefined) {
      await runner.run(program);
      return;
    }
    const runUnit = openPhase(work, entries, views, operations);
    for (let at = 0; at < units.length; at += unitWords) runUnit(units.subarray(at, at + unitWords));
  };
  return {
    traits,
    async run(phases) {
      for (const phase of phases) await run(phase);
    },
  };
}

/** Weights [columns, depth] in panels of 4 columns: their biases, then depth rows of 4 weights. */
function pack({ linears }: PackWork, views: RegionViews): void {
  for (const { weight, bias, depth, target } of linears) {
    const [from, biases, to] = [
      views.floats(weight),
      bias && views.floats(bias),
      views.floats(target.region),
    ];
    to.fill(0);
    for (let column = 0; column < target.columns; column++) {
      const segment = Math.floor(column / target.segmentColumns);
      const c = column % target.segmentColumns;
      const start =
        segment * packedLength(target.segmentColumns, depth, 4) + (c - (c % 4)) * (1 + depth) + (c % 4);
      to[start] = biases === null ? 0 : biases[column]!;
      for (let k = 0; k < depth; k++) to[start + 4 * (1 + k)] = from[column * depth + k]!;
    }
  }
}
