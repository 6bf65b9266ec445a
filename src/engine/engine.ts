// The coordinator: one pool of workers, one arena, and the calls that callers make on them.
import { describeAttention, readInputs, type AttentionInputs } from '../attention/attention-call.js';
import type { AttentionOptions } from '../attention/options.js';
import { readOptions } from '../attention/read-options.js';
import type { AttentionResult } from '../attention/result.js';
import { resolveWeights, type MultiHeadWeights } from '../attention/weights.js';
import { expected } from '../core/errors.js';
import { createArena, type Arena } from '../core/tensor/arena.js';
import type { Shape } from '../core/tensor/shape.js';
import { createTensor, type Tensor } from '../core/tensor/tensor.js';
import type {
  Adapter,
  Device,
  InstructionSetNotUsed,
  KernelName,
  KernelProbe,
  KernelTraits,
} from '../core/protocol/kernels.js';
import type { CallLimits } from './admission.js';
import { assembleAlone } from './assemble/assemble-alone.js';
import { predictAttention } from './assemble/predict-bytes.js';
import { CallingThread } from './calling-thread.js';
import type { WorkingSet } from './assemble/working-set.js';
import { computeAlone } from './compute.js';
import { CallRunner } from './call-runner.js';
import { Closing, type CloseOptions } from './closing.js';
import { chooseKernel, resolveEngineOptions, type Batching, type EngineOptions } from './engine-options.js';
import {
  measurePeak,
  openAttentionMeter,
  openProductMeter,
  openReadMeter,
  type AttentionSize,
  type Meter,
  type ProductSize,
} from './meters.js';
import { KeptCalls } from './kept-calls.js';
import { MultiHeadAttention, type LayerHost } from './multi-head-attention.js';
import { WorkerPool } from './pool.js';
import { refuseUncomputable } from './refuse-uncomputable.js';
import { Scheduler } from './scheduler.js';
import type { EngineStats } from './stats.js';
import { watchUnits } from './watch-units.js';
import { version } from './version.js';

export interface EngineInfo {
  readonly kernel: KernelName;
  readonly instructionSet: string;
  /** The kernel's other instruction sets, best first, and why they aren't in use. */
  readonly otherInstructionSets: readonly InstructionSetNotUsed[];
  readonly threads: number;
  readonly device: Device;
  /** The GPU, where that is the device. */
  readonly adapter?: Adapter;
  readonly node: string;
  /** Of headpool. */
  readonly version: string;
  /** Kernels that can't run here, and why. */
  readonly unavailable: readonly { readonly name: KernelName; readonly reason: string }[];
}

/** A layer to create: its weights, its heads, and defaults for the options of every call. */
export interface LayerOptions extends AttentionOptions {
  readonly heads: number;
  /** Key/value heads, a divisor of `heads`; default `heads`. */
  readonly kvHeads?: number;
  readonly weights: MultiHeadWeights;
  /** What traces of its calls say, to tell layers apart (docs/observing.md). */
  readonly name?: string;
}

/**
 * Starts the workers and chooses a kernel. An open engine keeps the process alive: close it, or `await using` it.
 * @throws UNKNOWN_OPTION, INVALID_OPTION, KERNEL_UNAVAILABLE, DEVICE_UNAVAILABLE, WORKER_START
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  return startEngine(options);
}

/** `createEngine` with the part that tests replace: the module of the workers. */
export async function startEngine(options: EngineOptions, moduleUrl?: URL): Promise<Engine> {
  const resolved = resolveEngineOptions(options);
  const { threads, device, logger, unitTimeoutMs, batching, workerUrl, ...limits } = resolved;
  const pool = new WorkerPool({ threads, workerUrl, ...(moduleUrl && { moduleUrl }) });
  const probes = await pool.probe(device);
  try {
    const choice = chooseKernel(resolved, probes);
    const arena = createArena(choice.traits.arena, limits.memoryLimitBytes);
    pool.suit(choice.traits);
    const takesUnits = choice.traits.takes === 'units';
    // Units of the plain kernel would hold the event loop for many milliseconds.
    const mayHelp = takesUnits && choice.name !== 'reference';
    const callingThread = new CallingThread(() => pool.openHelp());
    const scheduler = new Scheduler(pool, {
      takesUnits,
      ...(logger && { logger }),
      ...(mayHelp && { callingThread }),
    });
    const { instructionSet } = choice.traits;
    await pool.start({ kernel: choice.name, instructionSet }, arena.memory, scheduler);
    const endWatch =
      unitTimeoutMs === undefined ? () => undefined : watchUnits(pool, unitTimeoutMs, 'unitTimeoutMs');
    return new Engine({ pool, scheduler, arena, limits, batching, probes, endWatch, ...choice });
  } catch (error) {
    await pool.close();
    throw error;
  }
}

interface EngineParts {
  readonly pool: WorkerPool;
  readonly scheduler: Scheduler;
  readonly arena: Arena;
  readonly limits: CallLimits;
  readonly probes: readonly KernelProbe[];
  readonly batching: Batching;
  readonly endWatch: () => void;
  readonly name: KernelName;
  readonly traits: KernelTraits;
}

export class Engine {
  readonly info: EngineInfo;
  readonly #parts: EngineParts;
  readonly #runner: CallRunner;
  readonly #host: LayerHost;
  readonly #closing: Closing;

  /** Made by `createEngine`. @internal */
  constructor(parts: EngineParts) {
    this.#parts = parts;
    const { pool, scheduler, arena, traits, batching } = parts;
    const runner = new CallRunner(scheduler, arena, parts.limits, {
      kernel: parts.name,
      device: traits.device,
    });
    this.#runner = runner;
    this.#closing = new Closing(runner, pool, parts.endWatch);
    const openMemory = (): WorkingSet => runner.openMemory();
    this.#host = {
      scheduler,
      arena,
      traits,
      batching,
      runner,
      stats: runner.stats,
      kept: new KeptCalls(scheduler, openMemory),
      openMemory,
    };
    arena.spare = this.#host.kept;
    this.info = Object.freeze({
      kernel: parts.name,
      instructionSet: traits.instructionSet,
      otherInstructionSets: traits.otherInstructionSets ?? [],
      threads: pool.size,
      device: traits.device,
      ...(traits.adapter && { adapter: traits.adapter }),
      node: process.versions.node,
      version,
      unavailable: parts.probes.flatMap((probe) =>
        probe.available ? [] : [{ name: probe.name, reason: probe.reason }],
      ),
    });
  }

  /**
   * Whether a call that comes now can be computed: from `createEngine` on until `close` is called, or until no worker can be
   * started any more.
   */
  get ready(): boolean {
    return this.#runner.takesCalls;
  }

  /**
   * A tensor of `shape` in shared memory, zeros or a copy of `data`.
   * @throws INVALID_SHAPE; MEMORY_LIMIT if it takes more memory than there is
   */
  tensor(shape: Shape, data?: ArrayLike<number>): Tensor {
    return createTensor(shape, data);
  }

  /**
   * softmax(q·kᵀ·scale)·v of every head, without projections.
   * @returns output shaped like q with valueDim for headDim
   * @throws INVALID_SHAPE, INVALID_OPTION, UNKNOWN_OPTION before anything is allocated; MEMORY_LIMIT, QUEUE_FULL,
   * TIMEOUT, BUFFER_IN_USE, WORKER_LOST, UNIT_FAILED, ENGINE_CLOSED; the signal's reason when cancelled
   */
  async attention(inputs: AttentionInputs): Promise<AttentionResult> {
    const calledMs = performance.now();
    this.#runner.refuseIfClosed();
    const read = readInputs(inputs);
    refuseUncomputable(read, this.#parts.traits);
    const call = describeAttention(read);
    const { traits } = this.#parts;
    return this.#runner.run({
      calledMs,
      bytes: predictAttention(call, traits),
      compute: (computing) =>
        computeAlone(assembleAlone(call, { memory: computing.memory, traits }), this.#host, computing),
      inputs: [call.query.data, call.key.data, call.value.data],
      shape: call.query.shape,
      options: call.options,
      tokens: call.batch.queryRows,
      cached: false,
    });
  }

  /**
   * A layer whose weights are packed once, for any number of calls. Dispose it to give its memory back.
   * @throws INVALID_OPTION, INVALID_WEIGHTS, INVALID_SHAPE, UNKNOWN_OPTION, MEMORY_LIMIT, ENGINE_CLOSED
   */
  async multiHeadAttention(options: LayerOptions): Promise<MultiHeadAttention> {
    this.#runner.refuseIfClosed();
    const read = readOptions(options, ['heads', 'kvHeads', 'weights', 'name']);
    const { heads, kvHeads = heads, weights, name, ...defaults } = read;
    const resolved = resolveWeights(weights, heads, kvHeads);
    refuseUncomputable(defaults, this.#parts.traits);
    if (name !== undefined && (typeof name !== 'string' || name === ''))
      throw expected('INVALID_OPTION', 'a string of at least one character', 'name', name);
    const layer = new MultiHeadAttention(resolved, { name, defaults }, this.#host);
    await layer.pack();
    return layer;
  }

  /** Counters and latencies since the engine was created. */
  stats(): EngineStats {
    const { pool, traits } = this.#parts;
    return { ...this.#runner.snapshot(), ...(traits.device === 'gpu' && { device: pool.deviceCounts() }) };
  }

  /**
   * Runs nothing but multiply-adds, `rounds` rounds on each worker: FLOP a second of all of them together.
   * @internal
   */
  async measurePeak(rounds: number): Promise<number> {
    this.#runner.refuseIfClosed();
    return measurePeak(this.#parts, this.#parts.pool.size, rounds);
  }

  /** Times reading memory. @internal */
  async openReadMeter(byteLength: number): Promise<Meter> {
    this.#runner.refuseIfClosed();
    return openReadMeter(this.#parts, byteLength);
  }

  /** Times one product of rows with packed weights. @internal */
  async openProductMeter(size: ProductSize): Promise<Meter> {
    this.#runner.refuseIfClosed();
    return openProductMeter(this.#parts, size);
  }

  /** Times one attention alone. @internal */
  async openAttentionMeter(size: AttentionSize): Promise<Meter> {
    this.#runner.refuseIfClosed();
    return openAttentionMeter(this.#parts, size);
  }

  /** What `stats` says of the most memory of the device counts from now on. @internal */
  restartPeak(): void {
    this.#parts.pool.restartDevicePeak();
  }

  /**
   * Ends worker `index` at once, as a crash would. For tests of what happens then.
   * @internal
   */
  async terminateWorker(index: number): Promise<void> {
    await this.#parts.pool.terminate(index);
  }

  /**
   * Refuses new calls, lets those that are open or wait finish, and resolves once no thread is left. With `timeoutMs`, what
   * isn't over by then is stopped and rejects with ENGINE_CLOSED. May be called again: of several times the soonest counts.
   * @throws INVALID_OPTION, UNKNOWN_OPTION; the engine is open then as it was
   */
  close(options: CloseOptions = {}): Promise<void> {
    return this.#closing.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
