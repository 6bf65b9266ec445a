// An engine on the software device for all tests of a file.
import test from 'ava';
import type { GpuKernelName } from '../../src/core/protocol/kernels.js';
import { createEngine, type Engine } from '../../src/engine/engine.js';
import { findSoftwareProblem } from '../../workers/kernels/gpu/software-device.js';
import { softwareGpu } from './software-gpu.js';

/** Opened before the tests where the device can run, so that `gpuTest` finds it. */
export function openGpuEngine(kernel: GpuKernelName | 'auto' = 'auto'): () => Engine {
  let engine: Engine | undefined;
  if (findSoftwareProblem() === undefined) {
    // Threads copy the environment of who starts them.
    Object.assign(process.env, softwareGpu);
    test.before('opens the software device', async () => {
      engine = await createEngine({ device: 'gpu', kernel });
    });
    test.after.always('closes it', async () => {
      await engine?.close();
    });
  }
  return () => engine!;
}
