// A shader of ours as a kernel of gpu.js, on its device. It is dispatched into passes of ours, on buffers of ours.
import { WebGPUKernel, type IGPUKernelSettings, type Kernel } from 'gpu.js';
import { HeadpoolError } from '../../../src/core/errors.js';
import type { OpenDevice } from './open-device.js';
import type { Shader } from './shader.js';

interface ShaderKernelSettings extends IGPUKernelSettings {
  readonly context: OpenDevice['context'];
  readonly shader: Shader;
}

const bindingTypes = { uniform: 'uniform', read: 'read-only-storage', write: 'storage' } as const;

/** GPUShaderStage.COMPUTE */
const computeStage = 4;

export class ShaderKernel extends WebGPUKernel {
  readonly shader: Shader;
  readonly #device: GPUDevice;
  #built: { readonly pipeline: GPUComputePipeline; readonly layout: GPUBindGroupLayout } | undefined;

  constructor(source: string, settings: ShaderKernelSettings) {
    super(source, settings);
    this.shader = settings.shader;
    this.#device = settings.context.device;
  }

  override assembleWGSL(): string {
    return this.shader.code;
  }

  /** That of gpu.js knows one output only, which is bound after all inputs. */
  override async _buildAsync(): Promise<void> {
    const { name, code, bindings } = this.shader;
    const device = this.#device;
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label: name, code });
    const layout = device.createBindGroupLayout({
      entries: bindings.map((binding, index) => ({
        binding: index,
        visibility: computeStage,
        buffer: { type: bindingTypes[binding] },
      })),
    });
    const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
    const invalid = device.popErrorScope();
    const { messages } = await module.getCompilationInfo();
    const errors = messages.filter(({ type }) => type === 'error');
    if (errors.length > 0)
      throw failed(
        name,
        errors.map(({ lineNum, linePos, message }) => `${lineNum}:${linePos} ${message}`),
      );
    const error = await invalid;
    if (error !== null) throw failed(name, [error.message]);
    const pipeline = await device
      .createComputePipelineAsync({
        label: name,
        layout: pipelineLayout,
        compute: { module, entryPoint: 'main' },
      })
      .catch((cause: unknown) => {
        throw failed(name, [(cause as Error).message]);
      });
    // Dawn says nothing about what it builds on a device that is gone.
    if (this.context.isLost)
      throw new HeadpoolError('DEVICE_LOST', `The GPU was lost before the shader ${name} was built`);
    this.#built = { pipeline, layout };
    this.built = true;
  }

  /** @param buffers binding n is the nth */
  bind(buffers: readonly GPUBufferBinding[]): GPUBindGroup {
    const { layout } = this.#requireBuilt();
    return this.#device.createBindGroup({
      label: this.shader.name,
      layout,
      entries: buffers.map((resource, binding) => ({ binding, resource })),
    });
  }

  encode(pass: GPUComputePassEncoder, group: GPUBindGroup, groups: readonly [number, number, number]): void {
    pass.setPipeline(this.#requireBuilt().pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...groups);
  }

  #requireBuilt() {
    if (this.#built === undefined) throw failed(this.shader.name, ['it is not built']);
    return this.#built;
  }
}

/** A kernel that is ready for dispatches; it goes with its device. */
export async function createShaderKernel(open: OpenDevice, shader: Shader): Promise<ShaderKernel> {
  const { gpu, context } = open;
  const settings: ShaderKernelSettings = { output: [1], context, shader };
  const { Kernel: previous } = gpu;
  // createKernel hands it the settings, which its type can't say.
  gpu.Kernel = ShaderKernel as unknown as typeof Kernel;
  let kernel: Kernel;
  try {
    ({ kernel } = gpu.createKernel('function () { return 0; }', settings));
  } finally {
    gpu.Kernel = previous;
  }
  if (!(kernel instanceof ShaderKernel)) throw failed(shader.name, ['gpu.js made another kernel of it']);
  await kernel.build();
  return kernel;
}

function failed(name: string, problems: readonly string[]): HeadpoolError {
  return new HeadpoolError('UNIT_FAILED', `The shader ${name} does not build: ${problems.join('\n')}`);
}
