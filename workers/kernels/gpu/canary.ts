// A small kernel of gpu.js that shows whether a device computes at all, before anything depends on it.
import type { GPU, IKernelFunctionThis, Kernel } from 'gpu.js';
import { HeadpoolError } from '../../../src/core/errors.js';

const count = 100;

/** Fails if gpu.js computes elsewhere than on the device, as it does without a word where it has to, or wrongly. */
export async function runCanary(gpu: GPU): Promise<void> {
  const kernel = gpu.createKernel(
    function (this: IKernelFunctionThis, values: Float32Array) {
      return values[this.thread.x]! * 3 + this.thread.x;
    },
    { output: [count] },
  );
  const values = Float32Array.from({ length: count }, (_, index) => 0.5 - index);
  // By its types a kernel answers at once.
  const results = (await (kernel(values) as unknown)) as Float32Array;
  const { mode } = kernel.kernel.constructor as typeof Kernel;
  kernel.destroy();
  if (mode !== 'webgpu') throw broken(`gpu.js computes by ${mode} instead of webgpu`);
  const wrong = results.findIndex((result, index) => result !== 3 * values[index]! + index);
  if (results.length !== count || wrong >= 0)
    throw broken(`it computed ${results[wrong]} where ${3 * values[wrong]! + wrong} is right`);
}

function broken(problem: string): HeadpoolError {
  return new HeadpoolError(
    'DEVICE_UNAVAILABLE',
    `The GPU does not compute as it should: ${problem}; update its driver, or use the processor`,
  );
}
