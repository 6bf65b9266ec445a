// Counters and latency figures of an engine since it was created.
import type { PhaseName, PlannedPhase } from './assemble/assembly.js';
import type { JobOutcome } from './job.js';

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface EngineStats {
  readonly calls: {
    readonly completed: number;
    readonly failed: number;
    readonly cancelled: number;
    readonly open: number;
    /** Those that wait until there is room for them. */
    readonly waiting: number;
  };
  /** Query tokens of the completed calls. */
  readonly tokens: number;
  /** Floating-point operations of the completed calls: 2 a multiply-add, masked tiles not counted. */
  readonly flop: number;
  /** Milliseconds from a call's start to its result, of the last 1,000 completed calls; 0 before the first. */
  readonly latencyMs: Percentiles;
  /** Milliseconds that these calls had waited before their start. */
  readonly waitedMs: Percentiles;
  /** Milliseconds that calls spent in each phase. */
  readonly phaseMs: Readonly<Partial<Record<PhaseName, number>>>;
  /** Working memory and packed weights in use. */
  readonly memoryBytes: number;
}

const keptLatencies = 1000;

export class StatsRecorder {
  #completed = 0;
  #failed = 0;
  #cancelled = 0;
  #tokens = 0;
  #flop = 0;
  readonly #latencies: number[] = [];
  readonly #waits: number[] = [];
  readonly #phaseMs: Partial<Record<PhaseName, number>> = {};

  complete(
    outcome: JobOutcome,
    phases: readonly PlannedPhase[],
    { tokens, waitedMs }: { readonly tokens: number; readonly waitedMs: number },
  ): void {
    this.#latencies[this.#completed % keptLatencies] = outcome.totalMs;
    this.#waits[this.#completed % keptLatencies] = waitedMs;
    this.#completed++;
    this.#tokens += tokens;
    phases.forEach(({ name, flop }, index) => {
      this.#flop += flop;
      this.#phaseMs[name] = (this.#phaseMs[name] ?? 0) + outcome.phaseMs[index]!;
    });
  }

  fail(wasCancelled: boolean): void {
    if (wasCancelled) this.#cancelled++;
    else this.#failed++;
  }

  snapshot({
    open,
    waiting,
    memoryBytes,
  }: {
    readonly open: number;
    readonly waiting: number;
    readonly memoryBytes: number;
  }): EngineStats {
    return {
      calls: {
        completed: this.#completed,
        failed: this.#failed,
        cancelled: this.#cancelled,
        open,
        waiting,
      },
      tokens: this.#tokens,
      flop: this.#flop,
      latencyMs: percentilesOf(this.#latencies),
      waitedMs: percentilesOf(this.#waits),
      phaseMs: { ...this.#phaseMs },
      memoryBytes,
    };
  }
}

function percentilesOf(samples: readonly number[]): Percentiles {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1) ?? 0 };
}
