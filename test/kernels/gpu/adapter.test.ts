// Which adapters are refused, by what they say of themselves; and steps of the opening that fail. Needs no device.
import test from 'ava';
import { GPU } from 'gpu.js';
import { checkAdapter } from '../../../workers/kernels/gpu/adapter.js';
import { runCanary } from '../../../workers/kernels/gpu/canary.js';
import { withinTime } from '../../../workers/kernels/gpu/within-time.js';

const info = {
  vendor: 'nvidia',
  architecture: 'hopper',
  device: 'H200',
  description: 'NVIDIA: 570.1',
  isFallbackAdapter: false,
};
const limits = {
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 128,
  maxComputeWorkgroupSizeX: 128,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxStorageBuffersPerShaderStage: 8,
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
};

/** As far as the check looks at it. */
function adapter(changes: { readonly info?: object; readonly limits?: object } = {}): GPUAdapter {
  const made = { info: { ...info, ...changes.info }, limits: { ...limits, ...changes.limits } };
  return made as unknown as GPUAdapter;
}

test('a GPU of the least size will do', (t) => {
  const gpu = adapter();
  t.is(checkAdapter(gpu, false), gpu);
});

test('no adapter is an error that says what to do', (t) => {
  t.throws(() => checkAdapter(null, true), { code: 'DEVICE_UNAVAILABLE', message: /install the driver/ });
});

for (const change of [
  { isFallbackAdapter: true },
  { device: 'llvmpipe (LLVM 19.1.7, 256 bits)' },
  { description: 'lavapipe' },
  { description: 'SwiftShader driver 5.0.0' },
  { device: 'Microsoft Basic Render Driver' },
  { architecture: 'warp' },
]) {
  test(`a software adapter is refused unless asked for: ${JSON.stringify(change)}`, (t) => {
    const software = adapter({ info: change });
    t.throws(() => checkAdapter(software, false), {
      code: 'DEVICE_UNAVAILABLE',
      message: /is a program that imitates one/,
    });
    t.is(checkAdapter(software, true), software);
  });
}

for (const name of Object.keys(limits)) {
  test(`a GPU whose ${name} is no number is refused`, (t) => {
    t.throws(() => checkAdapter(adapter({ limits: { [name]: NaN } }), true), {
      code: 'DEVICE_UNAVAILABLE',
      message: /its \w+ is NaN/,
    });
  });
}

for (const [name, value] of Object.entries(limits)) {
  test(`a GPU with less ${name} than the kernels need is refused`, (t) => {
    t.throws(() => checkAdapter(adapter({ limits: { [name]: value - 1 } }), true), {
      code: 'DEVICE_UNAVAILABLE',
      message: `The GPU H200 is too small: its ${name} is ${value - 1}, and the kernels need ${value}; use the processor`,
    });
  });
}

test('a kernel of gpu.js that runs on the processor is found out', async (t) => {
  const gpu = new GPU({ mode: 'cpu' });
  t.teardown(() => gpu.destroy());
  await t.throwsAsync(runCanary(gpu), {
    code: 'DEVICE_UNAVAILABLE',
    message: /computes by cpu instead of webgpu/,
  });
});

test('a driver that hangs is given up', async (t) => {
  await t.throwsAsync(withinTime('open', new Promise(() => undefined), 10), {
    code: 'DEVICE_UNAVAILABLE',
    message:
      'The GPU did not open within 0.01 s; its driver may hang: restart what uses it, or use the processor',
  });
});
