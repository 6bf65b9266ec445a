// What both sides call a kernel, and what it says of itself on a machine.

export const devices = ['cpu', 'gpu'] as const;
/** Where an engine computes. @useDeclaredType */
export type Device = (typeof devices)[number];

/** The kernels of each device, best first. */
export const kernelsOf = {
  cpu: ['native', 'wasm', 'reference'],
  gpu: ['wgsl', 'gpujs'],
} as const satisfies Readonly<Record<Device, readonly string[]>>;
/** The kernels of the processor, best first. @useDeclaredType */
export type CpuKernelName = (typeof kernelsOf.cpu)[number];
/** The kernels of a GPU, best first. @useDeclaredType */
export type GpuKernelName = (typeof kernelsOf.gpu)[number];
/** Every kernel. @useDeclaredType */
export type KernelName = CpuKernelName | GpuKernelName;
export const kernelNames = [...kernelsOf.cpu, ...kernelsOf.gpu] as const;

export function deviceOf(name: KernelName): Device {
  return kernelsOf.gpu.some((other) => other === name) ? 'gpu' : 'cpu';
}

/** What a kernel is on this machine, or why it can't be. Best first in the answer to a probe. */
export type KernelProbe =
  | { readonly name: KernelName; readonly available: true; readonly traits: KernelTraits }
  | ({ readonly name: KernelName; readonly available: false } & KernelProblem);

/** Why a kernel can't run here. */
export interface KernelProblem {
  readonly reason: string;
  /** The user asks for what can't be had, so that no other kernel may serve in its place. */
  readonly isDemand?: true;
}

/** What a kernel can do and what it wants; planning and admission ask these and nothing else. */
export interface KernelTraits {
  readonly device: Device;
  /** What it computes on, where that isn't the processor. */
  readonly adapter?: Adapter;
  /** What it takes at a time; more than a unit it may answer later, while it works on others. */
  readonly takes: 'units' | 'phases' | 'jobs';
  /** How many workers can serve it: one where it owns a device. */
  readonly mostWorkers: number;
  /** Rows of a unit: queries times the query heads that share a key/value head, or rows of a product. */
  readonly unitRows: number;
  /** Options of a call that it can't compute. */
  readonly refuses: readonly string[];
  readonly instructionSet: string;
  /** Those that the kernel could be compiled for besides, best first; where it has a choice. */
  readonly otherInstructionSets?: readonly InstructionSetNotUsed[];
  /** Columns of a panel of packed weights. */
  readonly panelColumns: number;
  /** FLOP of one round of its loop of nothing but multiply-adds. */
  readonly flopPerRound: number;
  /** Where the kernel wants its working memory; on a device, no other thread can look into it. */
  readonly arena: 'webassembly' | 'plain' | 'device';
}

/** A device as its driver describes it. */
export interface Adapter {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly driver: string;
  /** The interface by which the driver is spoken to: Vulkan, Metal, D3D12. */
  readonly backend: string;
  /** The limits that kernels are made for, in bytes or numbers. */
  readonly limits: AdapterLimits;
}

export interface AdapterLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly maxStorageBuffersPerShaderStage: number;
}

/** An instruction set, and why it isn't the one in use. */
export interface InstructionSetNotUsed {
  readonly name: string;
  readonly reason: string;
}

/** What is the same of all kernels of processors. */
export const cpuTraits = {
  device: 'cpu',
  takes: 'units',
  mostWorkers: Infinity,
  // A multiple of every one's block of rows.
  unitRows: 96,
  refuses: [],
} as const satisfies Partial<KernelTraits>;
