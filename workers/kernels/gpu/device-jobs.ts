// The jobs of a device: each becomes programs, which go there in one submission, and come back once.
import type { DeviceCounters } from '../../../src/core/protocol/device-counters.js';
import { HeadpoolError } from '../../../src/core/errors.js';
import type { KernelTraits } from '../../../src/core/protocol/kernels.js';
import type { Region, RegionViews } from '../../../src/core/tensor/region.js';
import type { JobKernel, TakenPhase } from '../kernel.js';
import { DeviceBuffers } from './device-buffers.js';
import type { Dispatch, MakeProgram, Program } from './dispatch.js';
import { JobMemory, type Residents } from './job-memory.js';
import { JobTables } from './job-tables.js';
import type { OpenDevice } from './open-device.js';
import { ReadBacks } from './read-back.js';
import { writeShared } from './write-shared.js';
import { KernelCache } from './kernel-cache.js';
import type { ShaderKernel } from './compile-shader.js';

export interface DeviceJobsParts {
  readonly traits: KernelTraits;
  readonly open: OpenDevice;
  readonly makeProgram: MakeProgram;
  /** Of memory of the host. */
  readonly views: RegionViews;
  readonly counters: DeviceCounters;
}

/** What went to the device, and is on its way back. */
interface Submitted {
  readonly readBacks: ReadBacks;
  readonly staging: GPUBuffer;
  /** Each an error that the device found, or null. */
  readonly checks: readonly Promise<GPUError | null>[];
}

export class DeviceJobs implements JobKernel {
  readonly traits: KernelTraits;
  readonly lost: Promise<Error>;
  readonly #parts: DeviceJobsParts;
  readonly #buffers: DeviceBuffers;
  readonly #kernels: KernelCache;
  readonly #residents: Residents = new Map();
  #lostReason: Error | undefined;

  constructor(parts: DeviceJobsParts) {
    const { traits, open, counters } = parts;
    this.traits = traits;
    this.#parts = parts;
    this.#buffers = new DeviceBuffers(open.device, counters);
    this.#kernels = new KernelCache(open);
    let problem: string | undefined;
    // Which call it is of can't be told, so that none of them can be trusted.
    open.onUncapturedError = (message) => {
      problem = message;
      // Not from here: Dawn waits for the end of what it calls.
      setImmediate(() => {
        open.device.destroy();
      });
    };
    this.lost = open.lost.then((reason) => {
      this.#lostReason = new HeadpoolError('DEVICE_LOST', `The device was lost: ${problem ?? reason}`);
      return this.#lostReason;
    });
  }

  async run(phases: readonly TakenPhase[], isStopped: () => boolean, isResident: boolean): Promise<void> {
    const programs = this.#makePrograms(phases);
    const dispatches = dispatchesOf(programs);
    const kernels = await Promise.all(dispatches.map(({ shader }) => this.#kernels.get(shader)));
    if (isStopped()) return;
    const memory = new JobMemory({
      buffers: this.#buffers,
      residents: this.#residents,
      views: this.#parts.views,
      upload: (buffer, bytes) => {
        this.#upload(buffer, bytes);
      },
    });
    try {
      await this.#finish(this.#submit(programs, kernels, memory, isResident));
    } catch (error) {
      // What happens to a job of a device that is lost has this as its cause.
      throw this.#lostReason ?? error;
    } finally {
      memory.release();
    }
  }

  release(regions: readonly Region[]): void {
    for (const { byteOffset } of regions) {
      const buffer = this.#residents.get(byteOffset);
      this.#residents.delete(byteOffset);
      if (buffer !== undefined) this.#buffers.give(buffer);
    }
  }

  close(): Promise<void> {
    return this.#parts.open.close();
  }

  #makePrograms(phases: readonly TakenPhase[]): Program[] {
    const made = new Map<number, Float32Array>();
    const context = {
      views: this.#parts.views,
      limits: this.traits.adapter!.limits,
      made: ({ byteOffset }: Region) => made.get(byteOffset)!,
    };
    return phases.map((phase) => {
      const program = this.#parts.makeProgram(phase, context);
      for (const { to, numbers } of program.makes ?? []) made.set(to.byteOffset, numbers);
      return program;
    });
  }

  /** Without a turn of the event loop, so that the errors found are this job's. */
  #submit(
    programs: readonly Program[],
    kernels: readonly ShaderKernel[],
    memory: JobMemory,
    isResident: boolean,
  ): Submitted {
    const { device } = this.#parts.open;
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('validation');
    const checks: Promise<GPUError | null>[] = [];
    let submitted: Submitted;
    try {
      submitted = { ...this.#encode(programs, kernels, memory, isResident), checks };
    } finally {
      checks.push(device.popErrorScope(), device.popErrorScope());
    }
    return submitted;
  }

  #encode(
    programs: readonly Program[],
    kernels: readonly ShaderKernel[],
    memory: JobMemory,
    isResident: boolean,
  ): Omit<Submitted, 'checks'> {
    const { open, counters, views } = this.#parts;
    const { device } = open;
    this.#store(programs, memory, isResident);
    const encoder = device.createCommandEncoder();
    for (const cleared of programs.flatMap(({ clears = [] }) => clears)) {
      encoder.clearBuffer('kind' in cleared ? memory.scratchOf(cleared) : memory.bufferOf(cleared, true));
    }
    const dispatches = dispatchesOf(programs);
    this.#dispatch(encoder, dispatches, kernels, memory);
    const wanted = programs.flatMap(({ readBacks = [] }) => readBacks);
    const readBacks = new ReadBacks(memory, wanted, views);
    const staging = memory.take(readBacks.byteLength, 'staging');
    readBacks.encode(encoder, staging);
    device.queue.submit([encoder.finish()]);
    counters.add('submissions', 1);
    counters.add('dispatches', dispatches.length);
    counters.add('translatedDispatches', dispatches.filter(({ shader }) => shader.isTranslated).length);
    return { readBacks, staging };
  }

  /** Numbers that the host has made; what a resident job stores stays when it is over. */
  #store(programs: readonly Program[], memory: JobMemory, isResident: boolean): void {
    for (const { to, numbers } of programs.flatMap(({ stores = [] }) => stores)) {
      if (isResident) this.#residents.set(to.byteOffset, this.#buffers.take(to.byteLength, 'storage'));
      this.#upload(memory.bufferOf(to, true), bytesOf(numbers));
    }
  }

  #dispatch(
    encoder: GPUCommandEncoder,
    dispatches: readonly Dispatch[],
    kernels: readonly ShaderKernel[],
    memory: JobMemory,
  ): void {
    if (dispatches.length === 0) return;
    const tables = new JobTables(dispatches);
    const tableBuffer = memory.take(tables.bytes.byteLength, 'tables');
    this.#upload(tableBuffer, tables.bytes);
    const pass = encoder.beginComputePass();
    dispatches.forEach(({ shader, uniform, bound, groups }, n) => {
      const kernel = kernels[n]!;
      const operands = bound.map((operand, index) =>
        'kind' in operand && operand.kind === 'table'
          ? tables.binding(tableBuffer, operand)
          : memory.resolve(operand, shader.bindings[index + 1] === 'write'),
      );
      kernel.encode(pass, kernel.bind([tables.binding(tableBuffer, uniform), ...operands]), groups);
    });
    pass.end();
  }

  async #finish({ readBacks, staging, checks }: Submitted): Promise<void> {
    const { counters } = this.#parts;
    const submittedMs = performance.now();
    const isMapped =
      readBacks.byteLength === 0 ? this.#parts.open.device.queue.onSubmittedWorkDone() : staging.mapAsync(1);
    const [outcome, ...errors] = await Promise.allSettled([isMapped, ...checks]);
    for (const error of errors)
      if (error.status === 'fulfilled' && error.value != null) throw errorOf(error.value);
    if (outcome.status === 'rejected') throw outcome.reason;
    const doneMs = performance.now();
    counters.add('computeMs', doneMs - submittedMs);
    if (readBacks.byteLength === 0) return;
    readBacks.conclude(staging.getMappedRange());
    staging.unmap();
    counters.add('readBacks', readBacks.count);
    counters.add('readBackBytes', readBacks.byteLength);
    counters.add('readBackMs', performance.now() - doneMs);
  }

  #upload(buffer: GPUBuffer, bytes: Uint8Array): void {
    const { open, counters } = this.#parts;
    const startMs = performance.now();
    writeShared(open.device.queue, buffer, bytes);
    counters.add('uploads', 1);
    counters.add('uploadBytes', bytes.byteLength);
    counters.add('uploadMs', performance.now() - startMs);
  }
}

/** Those that have something to do. */
function dispatchesOf(programs: readonly Program[]): Dispatch[] {
  return programs.flatMap(({ dispatches }) => dispatches.filter(({ groups }) => groups[0] > 0));
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function errorOf(error: GPUError): Error {
  return error.constructor.name === 'GPUOutOfMemoryError'
    ? new HeadpoolError('MEMORY_LIMIT', `The device has no memory left for the call: ${error.message}`)
    : new Error(error.message);
}
