/// <reference types="@webgpu/types" />
// Runs programs of a device one by one, with nothing of the engine: uploads, dispatches, reads back.
import type { Region } from '../../src/core/tensor/region.js';
import type { RegionViews } from '../../src/core/tensor/region.js';
import type { Bound, Part, Program, Scratch } from '../../workers/kernels/gpu/dispatch.js';
import { loadSoftwareDevice } from '../../workers/kernels/gpu/software-device.js';
import type { Shader } from '../../workers/kernels/gpu/shader.js';

// The values that WebGPU gives to these names.
const [mapRead, copySource, copyTarget, uniformUsage, storage] = [0x1, 0x4, 0x8, 0x40, 0x80];

/** Kept: a device doesn't outlive what it was asked of. */
const instances: GPU[] = [];

export async function openSoftwareDevice(): Promise<GPUDevice> {
  await loadSoftwareDevice();
  const { create } = await import('webgpu');
  const gpu = create([]);
  instances.push(gpu);
  const adapter = await gpu.requestAdapter();
  return adapter!.requestDevice();
}

export class ProgramRunner {
  readonly #device: GPUDevice;
  readonly #views: RegionViews;
  readonly #pipelines = new Map<string, GPUComputePipeline>();

  constructor(device: GPUDevice, views: RegionViews) {
    this.#device = device;
    this.#views = views;
  }

  async run({ dispatches, readBacks = [] }: Program): Promise<void> {
    const device = this.#device;
    const buffers = new Map<unknown, GPUBuffer>();
    const written = new Map<GPUBuffer, Region>();
    device.pushErrorScope('validation');
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const { shader, uniform, bound, groups } of dispatches) {
      const pipeline = this.#pipelineOf(shader);
      const resources = bound.map((one) => ({ buffer: this.#bufferOf(one, buffers) }));
      bound.forEach((one, n) => {
        if (shader.bindings[n + 1] === 'write' && !('kind' in one)) written.set(resources[n]!.buffer, one);
      });
      const block = this.#create(new Uint8Array(uniform), uniformUsage);
      pass.setPipeline(pipeline);
      const entries = [{ buffer: block }, ...resources].map((resource, binding) => ({ binding, resource }));
      pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
      pass.dispatchWorkgroups(...groups);
    }
    pass.end();
    const wanted = [
      ...[...written].map(([buffer, region]) => ({
        buffer,
        conclude: (bytes: ArrayBuffer) => {
          this.#views.bytes(region).set(new Uint8Array(bytes, 0, region.byteLength));
        },
      })),
      ...readBacks.flatMap(({ from, conclude }) => {
        const buffer = buffers.get(from);
        const take = (bytes: ArrayBuffer): void => {
          conclude(new Float32Array(bytes));
        };
        return buffer === undefined ? [] : [{ buffer, conclude: take }];
      }),
    ].map(({ buffer, conclude }) => {
      const staging = device.createBuffer({ size: buffer.size, usage: mapRead + copyTarget });
      encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
      return { staging, conclude };
    });
    device.queue.submit([encoder.finish()]);
    const error = await device.popErrorScope();
    if (error !== null) throw new Error(error.message);
    for (const { staging, conclude } of wanted) {
      await staging.mapAsync(mapRead);
      conclude(staging.getMappedRange().slice(0));
      staging.destroy();
    }
    for (const buffer of buffers.values()) buffer.destroy();
  }

  #pipelineOf({ name, code }: Shader): GPUComputePipeline {
    const known = this.#pipelines.get(code);
    if (known !== undefined) return known;
    const module = this.#device.createShaderModule({ code, label: name });
    const pipeline = this.#device.createComputePipeline({
      label: name,
      layout: 'auto',
      compute: { module, entryPoint: 'main' },
    });
    this.#pipelines.set(code, pipeline);
    return pipeline;
  }

  #bufferOf(bound: Exclude<Bound, Part> | Part, buffers: Map<unknown, GPUBuffer>): GPUBuffer {
    const key = 'kind' in bound ? bound : this.#keyOf(bound);
    const known = buffers.get(key);
    if (known !== undefined) return known;
    const buffer = this.#create(this.#contentsOf(bound), storage + copySource);
    buffers.set(key, buffer);
    return buffer;
  }

  readonly #ids = new WeakMap<object, number>();
  #nextId = 0;

  /** The same memory has the same key, whichever object says where it is. */
  #keyOf({ buffer, byteOffset, byteLength }: Region): string {
    const memory = buffer ?? this.#views;
    if (!this.#ids.has(memory)) this.#ids.set(memory, this.#nextId++);
    return `${this.#ids.get(memory)!} ${byteOffset} ${byteLength}`;
  }

  #contentsOf(bound: Bound): Uint8Array {
    if (!('kind' in bound)) return this.#views.bytes(bound);
    if (bound.kind === 'table') return bound.bytes;
    if (bound.kind === 'part') throw new TypeError('No parts are bound here');
    return poisoned(bound);
  }

  #create(bytes: Uint8Array, usage: number): GPUBuffer {
    const size = Math.max(16, Math.ceil(bytes.length / 4) * 4);
    const buffer = this.#device.createBuffer({ size, usage: usage + copyTarget, mappedAtCreation: true });
    new Uint8Array(buffer.getMappedRange()).set(bytes);
    buffer.unmap();
    return buffer;
  }
}

/** What nobody has written is NaN, so that reading it shows. */
function poisoned({ byteLength }: Scratch): Uint8Array {
  return new Uint8Array(byteLength).fill(0xff);
}
