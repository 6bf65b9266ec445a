// What a measurement ran on, as a plain object to print or to keep beside its figures.
import { arch, cpus, platform, release, totalmem } from 'node:os';
import type { Adapter } from '../core/protocol/kernels.js';
import { readMachineLimits } from '../core/machine/machine-limits.js';

export interface Machine {
  /** The processor's name as the operating system tells it; 'unknown' where it doesn't. */
  readonly cpu: string;
  /** Logical processors of the machine. */
  readonly cores: number;
  /** How many of them this process may use. */
  readonly parallelism: number;
  /** Of the machine, whatever a container leaves of it. */
  readonly memoryBytes: number;
  readonly node: string;
  readonly v8: string;
  /** Operating system, its release and the processor's architecture: 'linux 6.8.0 x64'. */
  readonly platform: string;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    parallelism: readMachineLimits().threads,
    memoryBytes: totalmem(),
    node: process.versions.node,
    v8: process.versions.v8,
    platform: `${platform()} ${release()} ${arch()}`,
  };
}

/** 'NVIDIA H200, driver 550.54 (Vulkan)' */
export function nameAdapter({ name, driver, backend }: Adapter): string {
  return `${name}, ${driver} (${backend})`;
}
