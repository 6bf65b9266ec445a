// Opening and closing the device in worker threads, seen from outside: what is told, and how the process ends.
import type { HeadpoolError } from '../../../src/core/errors.js';
import type { Adapter } from '../../../src/core/protocol/kernels.js';
import { gpuTest, runGpuChild, softwareGpu } from '../../helpers/software-gpu.js';

const endsByItself = { code: 0, signal: null, errors: '' };

gpuTest('a worker thread opens the device and closes it, and the process ends by itself', async (t) => {
  const { answer, ...end } = await runGpuChild('open');
  const { limits, ...adapter } = answer as Adapter;
  t.deepEqual(adapter, {
    name: 'swiftshader-device-subzero-',
    vendor: 'google',
    architecture: 'swiftshader',
    driver: 'SwiftShader driver 5.0.0',
    backend: 'Vulkan',
  });
  // WebGPU gives half as much to who asks for nothing.
  t.is(limits.maxComputeWorkgroupStorageSize, 32_768);
  t.is(limits.maxStorageBufferBindingSize, 2 ** 30);
  t.deepEqual(end, endsByItself);
});

gpuTest('a device that is opened and closed 50 times leaves a process that ends by itself', async (t) => {
  t.deepEqual(await runGpuChild('openOften'), { answer: 50, ...endsByItself });
});

const keepsOpen = { answer: 'swiftshader-device-subzero-', signal: null, errors: '' };

gpuTest('a process may exit while the device is open', async (t) => {
  t.deepEqual(await runGpuChild('keepOpen', softwareGpu, 'exit'), { ...keepsOpen, code: 7 });
});

gpuTest('a worker thread may be ended while the device is open', async (t) => {
  t.deepEqual(await runGpuChild('keepOpen', softwareGpu, 'terminate'), { ...keepsOpen, code: 0 });
});

gpuTest('a lost device says so and prints nothing, and another can be opened', async (t) => {
  const { answer, ...end } = await runGpuChild('lose');
  const { reason, reports, isLost } = answer as { reason: string; reports: string[]; isLost: boolean };
  t.is(reason, 'device was destroyed');
  t.is(reports.length, 1);
  t.regex(reports[0]!, /65535 is invalid for WGPUBufferUsage/);
  t.false(isLost, 'closing the first leaves the second alone');
  t.deepEqual(end, endsByItself);
});

gpuTest('the software device is refused where nobody asked for it', async (t) => {
  const { answer, ...end } = await runGpuChild('openUnasked', {});
  t.deepEqual(answer, {
    code: 'DEVICE_UNAVAILABLE',
    message:
      'No GPU found: the only adapter, swiftshader-device-subzero-, is a program that imitates one; use the processor, which is faster',
  });
  t.deepEqual(end, endsByItself);
});

gpuTest('a machine has a GPU, or the error says that it has none and what to do', async (t) => {
  const { answer, code, signal } = await runGpuChild('open', {});
  const { name, message } = answer as Partial<Adapter & HeadpoolError>;
  if (name !== undefined) t.notRegex(name, /swiftshader|llvmpipe/i);
  else t.regex(message!, /^No GPU found: .*; (install|use) /);
  t.is(code, 0);
  t.is(signal, null);
});
