// Runs one checked call to its result: claim buffers, wait for admission, allocate, run the phases, give back, count.
import { HeadpoolError } from '../core/errors.js';
import type { AttentionResult } from '../attention/result.js';
import type { ResolvedOptions } from '../attention/resolved-options.js';
import type { Arena } from '../core/tensor/arena.js';
import { Admission, type CallLimits } from './admission.js';
import type { Assembly } from './assemble/assembly.js';
import { BufferClaims } from './buffer-claims.js';
import { Interruption } from './interruption.js';
import type { Scheduler } from './scheduler.js';
import { StatsRecorder, type EngineStats } from './stats.js';
import { WorkingSet } from './assemble/working-set.js';

export interface Call {
  /** When it was made, by `performance.now()`. */
  readonly calledMs: number;
  /** Working memory and results that it will take. */
  readonly bytes: number;
  /** Makes what it needs of its layer, for this and for other calls. */
  readonly prepare?: () => Promise<void>;
  readonly assemble: (memory: WorkingSet) => Assembly;
  /** What the call reads, in shared memory. */
  readonly inputs: readonly Float32Array[];
  readonly options: Pick<ResolvedOptions, 'out' | 'rules' | 'signal' | 'timeoutMs' | 'priority'>;
  /** Query tokens, for the statistics. */
  readonly tokens: number;
}

export class CallRunner {
  readonly #scheduler: Scheduler;
  readonly #arena: Arena;
  readonly #admission: Admission;
  readonly #claims = new BufferClaims();
  readonly #stats = new StatsRecorder();
  /** What open calls have taken of the arena. */
  #workingBytes = 0;
  #isClosed = false;

  constructor(scheduler: Scheduler, arena: Arena, limits: CallLimits) {
    this.#scheduler = scheduler;
    this.#arena = arena;
    const { capacityBytes } = arena;
    this.#admission = new Admission(
      { ...limits, capacityBytes },
      () => arena.bytesInUse - this.#workingBytes,
    );
  }

  async run(call: Call): Promise<AttentionResult> {
    this.refuseIfClosed();
    const { bytes, inputs, options } = call;
    const { out, rules, signal, priority } = options;
    signal?.throwIfAborted();
    const reads = [...new Set(inputs), ...[rules.mask, rules.bias].flatMap((operand) => operand?.data ?? [])];
    const release = this.#claims.claim({ reads, writes: out === undefined ? [] : [out.data] });
    const interruption = new Interruption(options, call.calledMs);
    try {
      const entered = this.#admission.enter({ bytes, priority, signal: interruption.signal });
      const admitted = entered instanceof Promise ? await entered : entered;
      try {
        return await this.#compute(call, interruption, admitted.waitedMs);
      } finally {
        admitted.leave();
      }
    } catch (error) {
      this.#stats.fail(signal?.aborted === true && error === signal.reason);
      throw error;
    } finally {
      interruption.end();
      release();
    }
  }

  async #compute(
    { prepare, assemble, options, tokens }: Call,
    interruption: Interruption,
    waitedMs: number,
  ): Promise<AttentionResult> {
    interruption.startComputing();
    if (prepare !== undefined) await interruption.wait(prepare());
    const memory = new WorkingSet(this.#arena);
    const bytesBefore = this.#arena.bytesInUse;
    let workingBytes = 0;
    try {
      const assembly = assemble(memory);
      workingBytes = this.#arena.bytesInUse - bytesBefore;
      this.#workingBytes += workingBytes;
      // Without tokens there may be nothing to do in a phase, or in any.
      const busy = assembly.phases.filter(({ unitCount }) => unitCount > 0);
      if (busy.length > 0) {
        const { priority } = options;
        const outcome = await this.#scheduler.run(busy, { signal: interruption.signal, priority });
        this.#stats.complete(outcome, busy, { tokens, waitedMs });
      }
      return assembly.conclude();
    } finally {
      memory.release();
      this.#workingBytes -= workingBytes;
    }
  }

  stats(): EngineStats {
    return this.#stats.snapshot({
      open: this.#admission.openCalls,
      waiting: this.#admission.waitingCalls,
      memoryBytes: this.#arena.bytesInUse,
    });
  }

  refuseIfClosed(): void {
    if (this.#isClosed) throw new HeadpoolError('ENGINE_CLOSED', 'The engine was closed before the call');
  }

  /** Refuses further calls and resolves once those that are open or wait are over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#admission.drain();
    await this.#scheduler.drain();
  }
}
