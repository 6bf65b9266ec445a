// Shaders as kernels of gpu.js: bound as they say, kept by text, and named in errors.
import type { ExecutionContext } from 'ava';
import { WebGPUKernel } from 'gpu.js';
import { KernelCache } from '../../../workers/kernels/gpu/kernel-cache.js';
import { openDevice, type OpenDevice } from '../../../workers/kernels/gpu/open-device.js';
import type { Shader } from '../../../workers/kernels/gpu/shader.js';
import { gpuTest, softwareGpu } from '../../helpers/software-gpu.js';

/** Sums and differences, so that two bindings are written before one that is read. */
const sumsAndDifferences: Shader = {
  name: 'sums and differences',
  code: `
    @group(0) @binding(0) var<uniform> factor : vec4<f32>;
    @group(0) @binding(1) var<storage, read_write> sums : array<f32>;
    @group(0) @binding(2) var<storage, read_write> differences : array<f32>;
    @group(0) @binding(3) var<storage, read> numbers : array<f32>;
    @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id : vec3<u32>) {
      sums[id.x] = factor.x + numbers[id.x];
      differences[id.x] = factor.x - numbers[id.x];
    }`,
  bindings: ['uniform', 'write', 'write', 'read'],
};

async function open(t: ExecutionContext): Promise<OpenDevice> {
  Object.assign(process.env, softwareGpu);
  const opened = await openDevice();
  t.teardown(() => opened.close());
  return opened;
}

gpuTest('a shader writes two results from a uniform and an input, in a pass of ours', async (t) => {
  const opened = await open(t);
  const { device } = opened;
  const kernel = await new KernelCache(opened).get(sumsAndDifferences);
  t.true(kernel instanceof WebGPUKernel);
  const { UNIFORM, STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
  const make = (usage: number, size = 32) => device.createBuffer({ size, usage });
  const factor = make(UNIFORM | COPY_DST, 16);
  const numbers = make(STORAGE | COPY_DST);
  const [sums, differences] = [make(STORAGE | COPY_SRC), make(STORAGE | COPY_SRC)];
  const staging = make(MAP_READ | COPY_DST, 64);
  device.queue.writeBuffer(factor, 0, Float32Array.of(10, 0, 0, 0));
  device.queue.writeBuffer(
    numbers,
    0,
    Float32Array.from({ length: 8 }, (_, n) => n),
  );
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  const buffers = [factor, sums, differences, numbers];
  kernel.encode(pass, kernel.bind(buffers.map((buffer) => ({ buffer }))), [2, 1, 1]);
  pass.end();
  encoder.copyBufferToBuffer(sums, 0, staging, 0, 32);
  encoder.copyBufferToBuffer(differences, 0, staging, 32, 32);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const results = [...new Float32Array(staging.getMappedRange())];
  t.deepEqual(results, [10, 11, 12, 13, 14, 15, 16, 17, 10, 9, 8, 7, 6, 5, 4, 3]);
});

gpuTest('kernels are kept by text', async (t) => {
  const cache = new KernelCache(await open(t));
  const [first, again] = await Promise.all([
    cache.get(sumsAndDifferences),
    cache.get({ ...sumsAndDifferences }),
  ]);
  t.is(first, again);
  t.not(await cache.get({ ...sumsAndDifferences, code: `${sumsAndDifferences.code}\n` }), first);
});

const broken = [
  ['that does not parse', { code: 'fn main( {' }, /1:10 expected '\)' for function declaration/],
  [
    'that is bound in another way',
    { bindings: ['uniform', 'read', 'write', 'read'] },
    /not compatible with the type/,
  ],
  ['without its entry point', { code: 'fn other() {}', bindings: [] }, /"main"/],
] as const satisfies readonly (readonly [string, Partial<Shader>, RegExp])[];

for (const [title, change, problem] of broken) {
  gpuTest(`a shader ${title} names itself, and only in its error`, async (t) => {
    const opened = await open(t);
    opened.onUncapturedError = (message) => {
      t.fail(message);
    };
    const shader = { ...sumsAndDifferences, name: 'the broken one', ...change };
    const error = await t.throwsAsync(new KernelCache(opened).get(shader), {
      code: 'UNIT_FAILED',
      message: /^The shader the broken one does not build: /,
    });
    t.regex(error.message, problem);
    await opened.device.queue.onSubmittedWorkDone();
  });
}

gpuTest('a shader for a lost device is no kernel', async (t) => {
  const opened = await open(t);
  opened.device.destroy();
  await opened.lost;
  await t.throwsAsync(new KernelCache(opened).get(sumsAndDifferences), { code: 'DEVICE_LOST' });
});
