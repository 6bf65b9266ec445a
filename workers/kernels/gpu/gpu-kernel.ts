// The kernels of a GPU, and this thread's device, which is opened once for probing and computing.
import { DeviceCounters } from '../../../src/core/protocol/device-counters.js';
import type {
  Adapter,
  GpuKernelName,
  KernelProbe,
  KernelTraits,
} from '../../../src/core/protocol/kernels.js';
import type { RegionViews } from '../../../src/core/tensor/region.js';
import type { JobKernel } from '../kernel.js';
import { formFor } from './attend/form.js';
import type { MakeProgram } from './dispatch.js';
import { DeviceJobs } from './device-jobs.js';
import { openDevice, type OpenDevice } from './open-device.js';
import { panelColumns } from './panels.js';
import { flopPerWorkgroupRound } from './programs/measure.js';
import { wgslProgram } from './programs/wgsl.js';
import { plainProgram } from './plain/programs.js';

const makers: Readonly<Record<GpuKernelName, MakeProgram>> = {
  wgsl: wgslProgram,
  // Packing, turning and measuring are the same on both.
  gpujs: (phase, context) => plainProgram(phase, context) ?? wgslProgram(phase, context),
};

let opening: Promise<OpenDevice> | undefined;

/** The kernels on this machine's GPU, or why they can't run. */
export async function probeDevice(names: readonly GpuKernelName[]): Promise<KernelProbe[]> {
  try {
    opening ??= openDevice();
    const open = await opening;
    return names.map((name) => ({ name, available: true, traits: traitsOf(open) }));
  } catch (error) {
    opening = undefined;
    const reason = error instanceof Error ? error.message : String(error);
    return names.map((name) => ({ name, available: false, reason }));
  }
}

export async function createGpuKernel(
  name: GpuKernelName,
  views: RegionViews,
  counters: SharedArrayBuffer,
): Promise<JobKernel> {
  opening ??= openDevice();
  const open = await opening;
  opening = undefined;
  return new DeviceJobs({
    traits: traitsOf(open),
    open,
    views,
    makeProgram: makers[name],
    counters: new DeviceCounters(counters),
  });
}

/** What the bytes of a result depend on: the device and its driver, and the tiles that its limits allow. */
function formOf({ name, driver, limits }: Adapter): string {
  const { rowsPerThread, rowThreads, tileKeys } = formFor(limits, 64, 64);
  return `${name}, ${driver}, tiles of ${rowsPerThread * rowThreads} x ${tileKeys}`;
}

function traitsOf({ adapter }: OpenDevice): KernelTraits {
  return {
    device: 'gpu',
    adapter,
    takes: 'jobs',
    mostWorkers: 1,
    unitRows: 4096,
    refuses: ['cache'],
    instructionSet: formOf(adapter),
    panelColumns,
    flopPerRound: flopPerWorkgroupRound,
    arena: 'device',
  };
}
