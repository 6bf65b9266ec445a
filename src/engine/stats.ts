// Counters and latency figures of an engine since it was created.
import { sharedClockMs } from '../core/protocol/control.js';
import type { DeviceCounts } from '../core/protocol/device-counters.js';
import type { PhaseName, PlannedPhase } from './assemble/assembly.js';
import type { Span } from './job-block.js';

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Milliseconds in each phase; without phases that nobody has needed. */
export type PhaseTimes = Readonly<Partial<Record<PhaseName, number>>>;

export interface EngineStats {
  readonly calls: {
    readonly completed: number;
    readonly failed: number;
    readonly cancelled: number;
    readonly open: number;
    /** Those that wait until there is room for them. */
    readonly waiting: number;
  };
  /** Short calls that were computed together, and the passes that computed them. */
  readonly gathered: { readonly calls: number; readonly passes: number };
  /** Query tokens of the completed calls. */
  readonly tokens: number;
  /** Floating-point operations computed: 2 a multiply-add, masked tiles not counted. */
  readonly flop: number;
  /** Milliseconds from a call to its result, of the last 1,000 completed calls; 0 before the first. */
  readonly latencyMs: Percentiles;
  /** Of these, until a worker began the first unit: admission, gathering, and workers at work on other calls. */
  readonly waitedMs: Percentiles;
  /** And from then to the end of the last unit. */
  readonly computingMs: Percentiles;
  /** From the start of a phase's first unit to the end of its last one, summed over calls; calls overlap. */
  readonly phaseMs: PhaseTimes;
  /** What the units of the phases took, summed over workers. */
  readonly workMs: PhaseTimes;
  /** The share of its time that each worker has computed. */
  readonly busyShare: readonly number[];
  /** Bytes that open calls were predicted to take, results included. */
  readonly queuedBytes: number;
  /** Working memory and packed weights in use. */
  readonly memoryBytes: number;
  /** What the GPU was given and asked, where that is the device. */
  readonly device?: DeviceCounts;
}

/** Milliseconds of a completed call, as the statistics have them of many. */
export type CallTimes = Readonly<Record<'latencyMs' | 'waitedMs' | 'computingMs', number>>;

const keptCalls = 1000;

/** What other parts of the engine know. */
export interface Gauges {
  readonly open: number;
  readonly waiting: number;
  readonly queuedBytes: number;
  readonly memoryBytes: number;
  /** Milliseconds that each worker has computed. */
  readonly busyMs: readonly number[];
}

export class StatsRecorder {
  readonly #startMs = performance.now();
  #completed = 0;
  #failed = 0;
  #cancelled = 0;
  #tokens = 0;
  #flop = 0;
  readonly #gathered = { calls: 0, passes: 0 };
  readonly #latencies: number[] = [];
  readonly #waits: number[] = [];
  readonly #computing: number[] = [];
  readonly #phaseMs: Partial<Record<PhaseName, number>> = {};
  readonly #workMs: Partial<Record<PhaseName, number>> = {};

  /** Counts the phases of a job. */
  count(phases: readonly PlannedPhase[], spans: readonly Span[]): void {
    phases.forEach(({ name, flop }, index) => {
      const { startMs, endMs, computedMs } = spans[index]!;
      this.#flop += flop;
      this.#phaseMs[name] = (this.#phaseMs[name] ?? 0) + endMs - startMs;
      this.#workMs[name] = (this.#workMs[name] ?? 0) + computedMs;
    });
  }

  /** Counts a pass over several calls. */
  gather(calls: number): void {
    this.#gathered.passes++;
    this.#gathered.calls += calls;
  }

  complete({ latencyMs, waitedMs, computingMs }: CallTimes, tokens: number): void {
    const at = this.#completed % keptCalls;
    this.#latencies[at] = latencyMs;
    this.#waits[at] = waitedMs;
    this.#computing[at] = computingMs;
    this.#completed++;
    this.#tokens += tokens;
  }

  fail(wasCancelled: boolean): void {
    if (wasCancelled) this.#cancelled++;
    else this.#failed++;
  }

  snapshot({ open, waiting, queuedBytes, memoryBytes, busyMs }: Gauges): EngineStats {
    const elapsedMs = performance.now() - this.#startMs;
    return {
      calls: {
        completed: this.#completed,
        failed: this.#failed,
        cancelled: this.#cancelled,
        open,
        waiting,
      },
      gathered: { ...this.#gathered },
      tokens: this.#tokens,
      flop: this.#flop,
      latencyMs: percentilesOf(this.#latencies),
      waitedMs: percentilesOf(this.#waits),
      computingMs: percentilesOf(this.#computing),
      phaseMs: { ...this.#phaseMs },
      workMs: { ...this.#workMs },
      busyShare: busyMs.map((ms) => ms / elapsedMs),
      queuedBytes,
      memoryBytes,
    };
  }
}

/**
 * The times of a call that is complete now.
 * @param calledMs when it was made, by `performance.now()`
 * @param spans the phases of its job, by the shared clock
 */
export function timesOf(calledMs: number, spans: readonly Span[]): CallTimes {
  const latencyMs = performance.now() - calledMs;
  if (spans.length === 0) return { latencyMs, waitedMs: latencyMs, computingMs: 0 };
  const { startMs } = spans[0]!;
  return {
    latencyMs,
    waitedMs: Math.max(0, latencyMs - (sharedClockMs() - startMs)),
    computingMs: spans.at(-1)!.endMs - startMs,
  };
}

function percentilesOf(samples: readonly number[]): Percentiles {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1) ?? 0 };
}
