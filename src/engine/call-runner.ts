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
import { StatsRecorder, timesOf, type EngineStats } from './stats.js';
import { channelOf, openTrace, type OpenTrace, type TracedCall, type TracedEngine } from './tracing.js';

export interface Call extends TracedCall {
  /** When it was made, by `performance.now()`. */
  readonly calledMs: number;
  readonly compute: (computing: Computing) => Promise<Computed>;
  /** What the call reads, in shared memory. */
  readonly inputs: readonly Float32Array[];
  readonly options: Pick<ResolvedOptions, 'out' | 'rules' | 'signal' | 'timeoutMs' | 'priority'>;
}

export class CallRunner {
  readonly #scheduler: Scheduler;
  readonly #arena: Arena;
  readonly #admission: Admission;
  readonly #claims = new BufferClaims();
  readonly #working = { bytes: 0 };
  readonly #engine: TracedEngine;
  readonly stats: StatsRecorder;
  #isClosed = false;

  constructor(scheduler: Scheduler, arena: Arena, limits: CallLimits, engine: TracedEngine) {
    this.#scheduler = scheduler;
    this.#arena = arena;
    this.#engine = engine;
    this.stats = new StatsRecorder();
    const { capacityBytes } = arena;
    this.#admission = new Admission({ ...limits, capacityBytes }, () => this.#residentBytes());
  }

  /** Runs a call, and tells those who listen of it. Throws what `refuseIfClosed` does. */
  run(call: Call): Promise<AttentionResult> {
    this.refuseIfClosed();
    const channel = channelOf(call);
    if (!channel.hasSubscribers) return this.#run(call);
    const trace = openTrace(call, this.#engine);
    return channel.tracePromise(async () => {
      try {
        return await this.#run(call, trace);
      } finally {
        trace.latencyMs ??= performance.now() - call.calledMs;
      }
    }, trace);
  }

  async #run(call: Call, trace?: OpenTrace): Promise<AttentionResult> {
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
        const computed = await call.compute({
          memory,
          signal: interruption.signal,
          priority,
          wait: (shared) => interruption.wait(shared),
        });
        const times = timesOf(calledMs, computed.spans);
        this.stats.complete(times, tokens);
        if (trace !== undefined) Object.assign(trace, times, { gathered: computed.isGathered ?? false });
        return computed.result;
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

  /** Whether a call that comes now is run. */
  get takesCalls(): boolean {
    return !this.#isClosed && this.#scheduler.takesJobs;
  }

  refuseIfClosed(): void {
    if (this.#isClosed) throw engineClosed('before the call');
  }

  /** Refuses further calls and resolves once those that are open or wait are over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#admission.drain();
    await this.#scheduler.drain();
  }

  /** Ends the calls that are open or wait; they are over once nobody touches their buffers. */
  stop(): void {
    this.#admission.refuseWaiting(() => engineClosed('while the call was still waiting'));
    this.#scheduler.end(() => engineClosed('while the call was still computing'));
  }
}

function engineClosed(when: string): HeadpoolError {
  return new HeadpoolError('ENGINE_CLOSED', `The engine was closed ${when}`);
}
