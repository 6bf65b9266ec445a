// Counters and latency figures of an engine since it was created.
import { sharedClockMs } from '../core/protocol/control.js';
import type { PhaseName, PlannedPhase } from './assemble/assembly.js';
import type { JobOutcome } from './job.js';

export interface EngineStats {
  readonly calls: {
    readonly completed: number;
    readonly failed: number;
    readonly cancelled: number;
    readonly open: number;
  };
  /** Query tokens of the completed calls. */
  readonly tokens: number;
  /** Floating-point operations of the completed calls: 2 a multiply-add, masked tiles not counted. */
  readonly flop: number;
  /** Milliseconds from a call's start to its result, of the last 1,000 completed calls; 0 before the first. */
  readonly latencyMs: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  };
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
  readonly #phaseMs: Partial<Record<PhaseName, number>> = {};

  complete(outcome: JobOutcome, phases: readonly PlannedPhase[], tokens: number): void {
    this.#latencies[this.#completed % keptLatencies] = sharedClockMs() - outcome.startMs;
    this.#completed++;
    this.#tokens += tokens;
    phases.forEach(({ name, flop }, index) => {
      this.#flop += flop;
      const { startMs, endMs } = outcome.spans[index]!;
      this.#phaseMs[name] = (this.#phaseMs[name] ?? 0) + endMs - startMs;
    });
  }

  fail(wasCancelled: boolean): void {
    if (wasCancelled) this.#cancelled++;
    else this.#failed++;
  }

  snapshot(open: number, memoryBytes: number): EngineStats {
    const sorted = [...this.#latencies].sort((a, b) => a - b);
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return {
      calls: { completed: this.#completed, failed: this.#failed, cancelled: this.#cancelled, open },
      tokens: this.#tokens,
      flop: this.#flop,
      latencyMs: { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1) ?? 0 },
      phaseMs: { ...this.#phaseMs },
      memoryBytes,
    };
  }
}
