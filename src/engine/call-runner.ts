// Runs one checked call from its memory to its result: claim buffers, allocate, run the phases, give back, count.
import { HeadpoolError } from '../core/errors.js';
import type { AttentionResult } from '../attention/result.js';
import type { ResolvedOptions } from '../attention/resolved-options.js';
import type { Arena } from '../core/tensor/arena.js';
import type { Assembly } from './assemble/assembly.js';
import { BufferClaims } from './buffer-claims.js';
import type { Scheduler } from './scheduler.js';
import { StatsRecorder, type EngineStats } from './stats.js';
import { WorkingSet } from './assemble/working-set.js';

export interface Call {
  readonly assemble: (memory: WorkingSet) => Assembly;
  /** What the call reads, in shared memory. */
  readonly inputs: readonly Float32Array[];
  readonly options: Pick<ResolvedOptions, 'out' | 'rules' | 'signal'>;
  /** Query tokens, for the statistics. */
  readonly tokens: number;
}

export class CallRunner {
  readonly #scheduler: Scheduler;
  readonly #arena: Arena;
  readonly #claims = new BufferClaims();
  readonly #stats = new StatsRecorder();
  #isClosed = false;

  constructor(scheduler: Scheduler, arena: Arena) {
    this.#scheduler = scheduler;
    this.#arena = arena;
  }

  async run({ assemble, inputs, options, tokens }: Call): Promise<AttentionResult> {
    this.refuseIfClosed();
    const { out, rules, signal } = options;
    signal?.throwIfAborted();
    const reads = [...new Set(inputs), ...[rules.mask, rules.bias].flatMap((operand) => operand?.data ?? [])];
    const release = this.#claims.claim({ reads, writes: out === undefined ? [] : [out.data] });
    const memory = new WorkingSet(this.#arena);
    try {
      const assembly = assemble(memory);
      // Without tokens there may be nothing to do in a phase, or in any.
      const busy = assembly.phases.filter(({ unitCount }) => unitCount > 0);
      if (busy.length > 0) {
        this.#stats.complete(await this.#scheduler.run(busy, { signal, mayHelp: true }), busy, tokens);
      }
      return assembly.conclude();
    } catch (error) {
      this.#stats.fail(signal?.aborted === true && error === signal.reason);
      throw error;
    } finally {
      memory.release();
      release();
    }
  }

  stats(): EngineStats {
    return this.#stats.snapshot(this.#scheduler.openJobs, this.#arena.bytesInUse);
  }

  refuseIfClosed(): void {
    if (this.#isClosed) throw new HeadpoolError('ENGINE_CLOSED', 'The engine was closed before the call');
  }

  /** Refuses further calls and resolves once the open ones are over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#scheduler.drain();
  }
}
