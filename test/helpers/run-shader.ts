// Runs shaders on the software device: buffers in, what is in them afterwards out.
import test from 'ava';
import type { Groups } from '../../workers/kernels/gpu/groups.js';
import type { Shader } from '../../workers/kernels/gpu/shader.js';
import { loadSoftwareDevice } from '../../workers/kernels/gpu/software-device.js';

type Numbers = Float32Array | Uint32Array;

let opened: Promise<GPUDevice> | undefined;
// Held, because the device dies when the garbage collector finds what it came from.
let gpu: GPU | undefined;

test.after.always(async () => {
  (await opened)?.destroy();
});

/** One dispatch. `operands` are those of the bindings after the uniform block; returns them as they are afterwards. */
export async function runShader<Operands extends readonly Numbers[]>(
  { name, code, bindings }: Shader,
  block: ArrayBuffer,
  operands: Operands,
  groups: Groups,
): Promise<Operands> {
  const device = await (opened ??= openSoftwareDevice());
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: name, code });
  const { messages } = await module.getCompilationInfo();
  if (messages.length > 0) {
    throw new Error(messages.map(({ lineNum, message }) => `${name}:${lineNum}: ${message}`).join('\n'));
  }
  const layout = device.createBindGroupLayout({
    entries: bindings.map((binding, n) => ({
      binding: n,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: bufferTypes[binding] },
    })),
  });
  const pipeline = device.createComputePipeline({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: 'main' },
  });
  const buffers = [new Uint8Array(block), ...operands].map((data, n) => {
    const usage = bindings[n] === 'uniform' ? GPUBufferUsage.UNIFORM : GPUBufferUsage.STORAGE;
    const size = Math.max(16, data.byteLength);
    const buffer = device.createBuffer({
      size,
      usage: usage | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    });
    device.queue.writeBuffer(buffer, 0, data.slice().buffer);
    return buffer;
  });
  const group = device.createBindGroup({
    layout,
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(...groups);
  pass.end();
  const staging = buffers.map((buffer) => {
    const target = device.createBuffer({
      size: buffer.size,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
    encoder.copyBufferToBuffer(buffer, 0, target, 0, buffer.size);
    return target;
  });
  device.queue.submit([encoder.finish()]);
  const error = await device.popErrorScope();
  if (error !== null) throw new Error(`${name}: ${error.message}`);
  const results: Numbers[] = [];
  for (const [n, operand] of operands.entries()) {
    const from = staging[n + 1]!;
    await from.mapAsync(GPUMapMode.READ);
    const bytes = from.getMappedRange().slice(0, operand.byteLength);
    results.push(operand instanceof Uint32Array ? new Uint32Array(bytes) : new Float32Array(bytes));
  }
  for (const buffer of [...buffers, ...staging]) buffer.destroy();
  return results as unknown as Operands;
}

const bufferTypes = { uniform: 'uniform', read: 'read-only-storage', write: 'storage' } as const;

async function openSoftwareDevice(): Promise<GPUDevice> {
  await loadSoftwareDevice();
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  gpu = create([]);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new Error('The software device has no adapter');
  return adapter.requestDevice();
}
