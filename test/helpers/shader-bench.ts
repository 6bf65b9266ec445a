// Shaders run bare on the software device, for tests of their numbers: buffers in, buffers out.
/// <reference types="@webgpu/types" />
import test, { type ExecutionContext } from 'ava';
import type { Groups } from '../../workers/kernels/gpu/groups.js';
import type { Shader } from '../../workers/kernels/gpu/shader.js';
import { loadSoftwareDevice, softwareFlags } from '../../workers/kernels/gpu/software-device.js';
import { gpuTest } from './software-gpu.js';

export interface ShaderBench {
  readonly limits: GPUSupportedLimits;
  /** Runs one dispatch after the other on the same buffers, in the order of the bindings; returns what they hold then. */
  run(
    shader: Shader,
    dispatches: readonly BenchDispatch[],
    buffers: readonly BenchBuffer[],
  ): Promise<Uint32Array[]>;
  close(): void;
}

export interface BenchDispatch {
  readonly uniform: ArrayBuffer;
  readonly groups: Groups;
}

/** Numbers, or how many words of zeros. */
export type BenchBuffer = Float32Array | Uint32Array | Uint8Array | number;

const kept = new Set<GPU>();

async function openShaderBench(): Promise<ShaderBench> {
  await loadSoftwareDevice();
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([...softwareFlags]);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new Error('The software device has no adapter');
  const { maxComputeWorkgroupStorageSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxComputeWorkgroupStorageSize } });
  return benchOf(device, gpu);
}

/** @param gpu kept as long as the bench is: devices end with it */
function benchOf(device: GPUDevice, gpu: GPU): ShaderBench {
  kept.add(gpu);
  const pipelines = new Map<string, Promise<GPUComputePipeline>>();

  async function build({ name, code, bindings }: Shader): Promise<GPUComputePipeline> {
    const types = { uniform: 'uniform', read: 'read-only-storage', write: 'storage' } as const;
    const layout = device.createBindGroupLayout({
      entries: bindings.map((binding, n) => ({
        binding: n,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: types[binding] },
      })),
    });
    const module = device.createShaderModule({ code });
    const { messages } = await module.getCompilationInfo();
    const [error] = messages.filter(({ type }) => type === 'error');
    if (error !== undefined) throw new Error(`${name}, line ${error.lineNum}: ${error.message}`);
    return device.createComputePipelineAsync({
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    });
  }

  function upload(buffer: BenchBuffer | ArrayBuffer, usage: number): GPUBuffer {
    const bytes = typeof buffer === 'number' ? 4 * buffer : buffer.byteLength;
    const made = device.createBuffer({
      size: Math.max(16, Math.ceil(bytes / 16) * 16),
      usage,
      mappedAtCreation: true,
    });
    if (typeof buffer !== 'number') {
      const from = ArrayBuffer.isView(buffer)
        ? new Uint8Array(buffer.buffer, buffer.byteOffset, bytes)
        : new Uint8Array(buffer);
      new Uint8Array(made.getMappedRange()).set(from);
    }
    made.unmap();
    return made;
  }

  async function run(
    shader: Shader,
    dispatches: readonly BenchDispatch[],
    buffers: readonly BenchBuffer[],
  ): Promise<Uint32Array[]> {
    if (!pipelines.has(shader.code)) pipelines.set(shader.code, build(shader));
    const pipeline = await pipelines.get(shader.code)!;
    const storage = buffers.map((buffer) => upload(buffer, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC));
    const uniforms = dispatches.map(({ uniform }) => upload(uniform, GPUBufferUsage.UNIFORM));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    for (const [n, { groups }] of dispatches.entries()) {
      const entries = [uniforms[n]!, ...storage].map((buffer, binding) => ({
        binding,
        resource: { buffer },
      }));
      pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
      pass.dispatchWorkgroups(...groups);
    }
    pass.end();
    const staging = storage.map(({ size }) =>
      device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ }),
    );
    for (const [n, from] of storage.entries()) encoder.copyBufferToBuffer(from, 0, staging[n]!, 0, from.size);
    device.pushErrorScope('validation');
    device.queue.submit([encoder.finish()]);
    const error = await device.popErrorScope();
    if (error !== null) throw new Error(`${shader.name}: ${error.message}`);
    const results = [];
    for (const buffer of staging) {
      await buffer.mapAsync(GPUMapMode.READ);
      results.push(new Uint32Array(buffer.getMappedRange().slice(0)));
    }
    for (const buffer of [...storage, ...uniforms, ...staging]) buffer.destroy();
    return results;
  }

  return {
    limits: device.limits,
    run,
    close: () => {
      device.destroy();
      kept.delete(gpu);
    },
  };
}

let opened: Promise<ShaderBench> | undefined;

function openOnce(): Promise<ShaderBench> {
  return (opened ??= openShaderBench());
}

test.after.always(async () => {
  (await opened)?.close();
});

/** Declares a test of shaders, which counts as skipped where there is no device. */
export function benchTest(
  title: string,
  body: (t: ExecutionContext, bench: ShaderBench) => Promise<void>,
): void {
  gpuTest(title, async (t) => body(t, await openOnce()));
}

/** One dispatch. `operands` are those of the bindings after the uniform block; returns them as they are afterwards. */
export async function runShader<Operands extends readonly (Float32Array | Uint32Array)[]>(
  shader: Shader,
  uniform: ArrayBuffer,
  operands: Operands,
  groups: Groups,
): Promise<Operands> {
  const bench = await openOnce();
  const results = await bench.run(shader, [{ uniform, groups }], operands);
  return operands.map((operand, n) => {
    const { buffer } = results[n]!;
    return operand instanceof Uint32Array
      ? new Uint32Array(buffer, 0, operand.length)
      : new Float32Array(buffer, 0, operand.length);
  }) as unknown as Operands;
}
