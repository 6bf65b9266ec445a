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

interface CompiledDispatch extends Dispatch {
  readonly kernel: ShaderKernel;
}

interface CompiledJob {
  readonly programs: readonly Program[];
  readonly dispatches: readonly CompiledDispatch[];
  readonly memory: JobMemory;
  readonly isResident: boolean;
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
    const dispatches = await this.#compile(programs);
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
      await this.#finish(this.#submit({ programs, dispatches, memory, isResident }));
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

  /** The dispatches that have something to do, with their kernels. */
  #compile(programs: readonly Program[]): Promise<CompiledDispatch[]> {
    const dispatches = programs.flatMap((program) =>
      program.dispatches.filter(({ groups }) => groups[0] > 0),
    );
    return Promise.all(
      dispatches.map(async (dispatch) => ({ ...dispatch, kernel: await this.#kernels.get(dispatch.shader) })),
    );
  }

  /** Without a turn of the event loop, so that the errors found are this job's. */
  #submit(job: CompiledJob): Submitted {
    const { device } = this.#parts.open;
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('validation');
    const checks: Promise<GPUError | null>[] = [];
    let submitted: Submitted;
    try {
      submitted = { ...this.#encode(job), checks };
    } finally {
      checks.push(device.popErrorScope(), device.popErrorScope());
    }
    return submitted;
  }

  #encode(job: CompiledJob): Omit<Submitted, 'checks'> {
    const { programs, dispatches, memory } = job;
    const { open, counters, views } = this.#parts;
    const { device } = open;
    this.#store(job);
    const encoder = device.createCommandEncoder();
    for (const cleared of programs.flatMap(({ clears = [] }) => clears)) {
      encoder.clearBuffer('kind' in cleared ? memory.scratchOf(cleared) : memory.bufferOf(cleared, true));
    }
    this.#dispatch(encoder, dispatches, memory);
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
  #store({ programs, memory, isResident }: CompiledJob): void {
    for (const { to, numbers } of programs.flatMap(({ stores = [] }) => stores)) {
      if (isResident) this.#residents.set(to.byteOffset, this.#buffers.take(to.byteLength, 'storage'));
      this.#upload(memory.bufferOf(to, true), bytesOf(numbers));
    }
  }

  #dispatch(encoder: GPUCommandEncoder, dispatches: readonly CompiledDispatch[], memory: JobMemory): void {
    if (dispatches.length === 0) return;
    const tables = new JobTables(dispatches);
    const tableBuffer = memory.take(tables.bytes.byteLength, 'tables');
    this.#upload(tableBuffer, tables.bytes);
    const pass = encoder.beginComputePass();
    for (const { shader, kernel, uniform, bound, groups } of dispatches) {
      const operands = bound.map((operand, index) =>
        'kind' in operand && operand.kind === 'table'
          ? tables.binding(tableBuffer, operand)
          : memory.resolve(operand, shader.bindings[index + 1] === 'write'),
      );
      kernel.encode(pass, kernel.bind([tables.binding(tableBuffer, uniform), ...operands]), groups);
    }
    pass.end();
  }

  async #finish({ readBacks, staging, checks }: Submitted): Promise<void> {
    const { counters } = this.#parts;
    const submittedMs = performance.now();
    const isMapped =
      readBacks.byteLength === 0 ? this.#parts.open.device.queue.onSubmittedWorkDone() : staging.mapAsync(1);
    const [outcome, ...errors] = await Promise.allSettled([isMapped, ...checks]);
    const doneMs = performance.now();
    try {
      for (const error of errors)
        if (error.status === 'fulfilled' && error.value != null) throw errorOf(error.value);
      if (outcome.status === 'rejected') throw outcome.reason;
      counters.add('computeMs', doneMs - submittedMs);
      if (readBacks.byteLength === 0) return;
      readBacks.conclude(staging.getMappedRange());
    } finally {
      // However it ended: the next job that has the buffer maps it anew.
      staging.unmap();
    }
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

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function errorOf(error: GPUError): Error {
  return error.constructor.name === 'GPUOutOfMemoryError'
    ? new HeadpoolError('MEMORY_LIMIT', `The device has no memory left for the call: ${error.message}`)
    : new Error(error.message);
}
