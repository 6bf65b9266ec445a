// The adapter that is to compute: which ones are refused and why, what is asked of it, and what it says of itself.
import { HeadpoolError } from '../../../src/core/errors.js';
import type { Adapter, AdapterLimits } from '../../../src/core/protocol/kernels.js';

/** What the kernels need at least; WebGPU promises as much of every adapter. */
const leastLimits = {
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 128,
  maxComputeWorkgroupSizeX: 128,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxStorageBuffersPerShaderStage: 8,
  // Work is cut into as many dispatches as these make it: less would make it millions.
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
} as const;

/** The limits that a device has only if it was asked for them. */
const raisedLimits = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxStorageBuffersPerShaderStage',
  'maxBufferSize',
  'maxStorageBufferBindingSize',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

/** Programs that imitate a GPU on the processor, as they call themselves. */
const softwareNames = /swiftshader|llvmpipe|lavapipe|\bwarp\b|basic render/i;

const backends: Partial<Record<NodeJS.Platform, string>> = { darwin: 'Metal', win32: 'D3D12' };

/** The adapter if the kernels can run on it. */
export function checkAdapter(adapter: GPUAdapter | null, allowsSoftware: boolean): GPUAdapter {
  if (adapter === null)
    throw unavailable(
      'No GPU found: WebGPU has no adapter here; install the driver of the GPU, with Vulkan on Linux, or use the processor',
    );
  const { info, limits } = adapter;
  if (isSoftware(info) && !allowsSoftware)
    throw unavailable(
      `No GPU found: the only adapter, ${nameOf(info)}, is a program that imitates one; use the processor, which is faster`,
    );
  for (const [name, least] of Object.entries(leastLimits)) {
    const value = limits[name as keyof typeof leastLimits];
    // Of a driver that answers NaN too.
    if (!(value >= least))
      throw unavailable(
        `The GPU ${nameOf(info)} is too small: its ${name} is ${value}, and the kernels need ${least}; use the processor`,
      );
  }
  return adapter;
}

function isSoftware(info: GPUAdapterInfo): boolean {
  const { vendor, architecture, device, description, isFallbackAdapter } = info;
  return isFallbackAdapter || softwareNames.test([vendor, architecture, device, description].join(' '));
}

/** All that the adapter can give of what the kernels use. */
export function describeDevice({ features, limits }: GPUAdapter): GPUDeviceDescriptor {
  return {
    requiredLimits: Object.fromEntries(raisedLimits.map((name) => [name, limits[name]])),
    requiredFeatures: features.has('timestamp-query') ? ['timestamp-query'] : [],
  };
}

export function describeAdapter(info: GPUAdapterInfo, limits: GPUSupportedLimits): Adapter {
  const { vendor, architecture, description } = info;
  const backend = backends[process.platform] ?? 'Vulkan';
  return { name: nameOf(info), vendor, architecture, driver: description, backend, limits: copy(limits) };
}

function nameOf({ device, description, vendor }: GPUAdapterInfo): string {
  return device || description || vendor || 'of no name';
}

/** As numbers of an object of its own, which other threads may be told. */
function copy(limits: GPUSupportedLimits): AdapterLimits {
  return {
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
  };
}

function unavailable(message: string): HeadpoolError {
  return new HeadpoolError('DEVICE_UNAVAILABLE', message);
}
