// Opens the GPU for a worker thread, through gpu.js on WebGPU. One is open in a thread at a time; prints nothing.
import type { GPU, WebGPUContextState } from 'gpu.js';
import { HeadpoolError } from '../../../src/core/errors.js';
import type { Adapter } from '../../../src/core/protocol/kernels.js';
import { checkAdapter, describeAdapter, describeDevice } from './adapter.js';
import { runCanary } from './canary.js';
import { loadPackages, type Packages } from './load-packages.js';
import { installNavigatorGpu } from './navigator-gpu.js';
import { loadLibrary, loadSoftwareDevice, softwareFlags, wantsSoftwareDevice } from './software-device.js';
import { withinTime } from './within-time.js';

export interface OpenDevice {
  readonly gpu: GPU;
  /** Of gpu.js, which all its kernels share. */
  readonly context: WebGPUContextState;
  readonly device: GPUDevice;
  readonly adapter: Adapter;
  /** Why the device was lost, once it is; closing it is a loss too. `openDevice` gives a new one then. */
  readonly lost: Promise<string>;
  /** What to do about errors of the device that nobody waits for; until it is set they are passed over. */
  onUncapturedError: ((message: string) => void) | undefined;
  /** Frees the device and all kernels on it; whoever waits for it fails. */
  close(): Promise<void>;
}

/** @throws HeadpoolError DEVICE_UNAVAILABLE, saying what is missing and what to do */
export async function openDevice(): Promise<OpenDevice> {
  const { gpuJs, dawn } = await loadPackages();
  const allowsSoftware = wantsSoftwareDevice();
  if (allowsSoftware) await loadSoftwareDevice();
  else checkVulkan();
  Object.assign(globalThis, dawn.globals);
  const uninstall = installNavigatorGpu({ requestAdapter: () => chooseAdapter(dawn, allowsSoftware) });
  const gpu = new gpuJs.GPU({ mode: 'webgpu' });
  let isLost = false;
  const close = async (): Promise<void> => {
    await gpu.destroy();
    // By now a lost one may have a successor, which is not for this call to destroy.
    if (!isLost) await gpuJs.WebGPUContext.destroy();
    uninstall();
  };
  try {
    const context = await withinTime('open', gpuJs.WebGPUContext.acquire());
    const { device } = context;
    const lost = device.lost.then(({ message }) => {
      isLost = true;
      return message;
    });
    const open: OpenDevice = {
      gpu,
      context,
      device,
      adapter: describeAdapter(device.adapterInfo, device.limits),
      lost,
      onUncapturedError: undefined,
      close,
    };
    // In the place of the one of gpu.js, which prints.
    device.onuncapturederror = (event) => {
      event.preventDefault();
      open.onUncapturedError?.(event.error.message);
    };
    await withinTime('compute', runCanary(gpu));
    return open;
  } catch (error) {
    // A device that comes late is destroyed when it comes.
    void close();
    throw error instanceof HeadpoolError ? error : refused(error);
  }
}

/**
 * Dawn, one a thread and as long as that lives: its bindings for Node.js look for events of an instance once more after the
 * garbage collector has freed it, which ends the process.
 */
let instance: ReturnType<Packages['dawn']['create']> | undefined;

async function chooseAdapter(dawn: Packages['dawn'], allowsSoftware: boolean) {
  instance ??= dawn.create(allowsSoftware ? [...softwareFlags] : []);
  const found = await instance.requestAdapter({ powerPreference: 'high-performance' });
  const adapter = checkAdapter(found, allowsSoftware);
  return {
    limits: adapter.limits,
    requestDevice: async () => keepQuiet(await adapter.requestDevice(describeDevice(adapter))),
  };
}

/** gpu.js prints that a device is lost unless it was destroyed, so that is what it is told. */
function keepQuiet(device: GPUDevice): GPUDevice {
  const lost = device.lost.then(({ message }) => ({ reason: 'destroyed', message }));
  return Object.defineProperty(device, 'lost', { value: lost });
}

/** Dawn prints a warning where there is no Vulkan, so it isn't asked then. */
function checkVulkan(): void {
  if (process.platform !== 'linux') return;
  const problem = loadLibrary('libvulkan.so.1');
  if (problem !== undefined)
    throw new HeadpoolError(
      'DEVICE_UNAVAILABLE',
      `No GPU found: on Linux it is used through Vulkan, which is not installed (${problem}); install the driver of the GPU and libvulkan1, or use the processor`,
    );
}

function refused(cause: unknown): HeadpoolError {
  const { message } = cause as Error;
  return new HeadpoolError('DEVICE_UNAVAILABLE', `The GPU could not be opened: ${message}`, { cause });
}
