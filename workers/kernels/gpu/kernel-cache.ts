// The shaders that a device has compiled, by their text.
import type { ShaderKernel } from './compile-shader.js';
import type { OpenDevice } from './open-device.js';
import type { Shader } from './shader.js';

export class KernelCache {
  readonly #open: OpenDevice;
  readonly #kernels = new Map<string, Promise<ShaderKernel>>();

  constructor(open: OpenDevice) {
    this.#open = open;
  }

  /** The kernel of a shader, built at the first call; its text says how it is bound. */
  get(shader: Shader): Promise<ShaderKernel> {
    const { code } = shader;
    const kept = this.#kernels.get(code);
    if (kept !== undefined) return kept;
    const kernel = this.#compile(shader);
    this.#kernels.set(code, kernel);
    return kernel;
  }

  /** Its module is loaded late, as it needs gpu.js. */
  async #compile(shader: Shader): Promise<ShaderKernel> {
    const { createShaderKernel } = await import('./compile-shader.js');
    return createShaderKernel(this.#open, shader);
  }
}
