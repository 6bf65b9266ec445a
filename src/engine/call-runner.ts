// Runs one checked call to its result: claim buffers, wait for admission, compute in one of the ways there are, count.
import { HeadpoolError } from '../core/errors.js';
import type { AttentionResult } from '../attention/result.js';
import type { ResolvedOptions } from '../attention/resolved-options.js';
import type { Arena } from '../core/tensor/arena.js';
import { Admission, type CallLimits } from './admission.js';
import { WorkingSet } from './assemble/working-set.js';
import { BufferClaims } from './buffer-claims.js';
import type { Computed, Computing } from './compute.js';
import { Interruption } from './interruption.js';
import type { Scheduler } from './scheduler.js';
import { StatsRecorder, type EngineStats } from './stats.js';

export interface Call {
  /** When it was made, by `performance.now()`. */
  readonly calledMs: number;
  /** Working memory and results that it will take. */
  readonly bytes: number;
  readonly compute: (computing: Computing) => Promise<Computed>;
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
  readonly #working = { bytes: 0 };
  readonly stats: StatsRecorder;
  #isClosed = false;

  constructor(scheduler: Scheduler, arena: Arena, limits: CallLimits) {
    this.#scheduler = scheduler;
    this.#arena = arena;
    this.stats = new StatsRecorder();
    const { capacityBytes } = arena;
    this.#admission = new Admission({ ...limits, capacityBytes }, () => this.#residentBytes());
  }

  async run(call: Call): Promise<AttentionResult> {
    this.refuseIfClosed();
    const { bytes, inputs, options, calledMs, tokens } = call;
    const { out, rules, signal, priority } = options;
    signal?.throwIfAborted();
    const reads = [...new Set(inputs), ...[rules.mask, rules.bias].flatMap((operand) => operand?.data ?? [])];
    const release = this.#claims.claim({ reads, writes: out === undefined ? [] : [out.data] });
    const interruption = new Interruption(options, calledMs);
    try {
      const entered = this.#admission.enter({ bytes, priority, signal: interruption.signal });
      const admitted = entered instanceof Promise ? await entered : entered;
      const memory = this.openMemory();
      try {
        interruption.startComputing();
        const { result, spans } = await call.compute({
          memory,
          signal: interruption.signal,
          priority,
          wait: (shared) => interruption.wait(shared),
        });
        this.stats.complete({ calledMs, tokens, spans });
        return result;
      } finally {
        memory.release();
        admitted.leave();
      }
    } catch (error) {
      this.stats.fail(signal?.aborted === true && error === signal.reason);
      throw error;
    } finally {
      interruption.end();
      release();
    }
  }

  /** Memory for what computes calls, counted as theirs until it is released. */
  openMemory(): WorkingSet {
    return new WorkingSet(this.#arena, this.#working);
  }

  /** What lies in the arena that is no call's. */
  #residentBytes(): number {
    const { bytesInUse, spare } = this.#arena;
    return bytesInUse + (spare?.bytes ?? 0) - this.#working.bytes;
  }

  snapshot(): EngineStats {
    return this.stats.snapshot({
      open: this.#admission.openCalls,
      waiting: this.#admission.waitingCalls,
      queuedBytes: this.#admission.openBytes,
      memoryBytes: this.#arena.bytesInUse,
      busyMs: this.#scheduler.busyMs(),
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
