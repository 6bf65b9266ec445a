// Predicts calls on any number of workers: the real plan of the work, taken by simulated workers, at the costs that one
// worker was measured to have.
//
// What a unit costs: its FLOP at its phase's time per FLOP on one worker, and a little for being taken; times how much
// slower each of so many workers runs nothing but multiply-adds (turbo, shared units), as measured, or beyond the
// machine as with the most workers measured. What the call costs beside: what it costs with one worker, by the number of
// units, and what a tiny call takes longer with so many workers. Memory and caches that workers share are not in it.
import type { PlannedWork } from './planned-work.js';
import { planWork } from './planned-work.js';
import type { MeasuredPoint } from './measure-point.js';
import type { MachineCosts } from './machine-costs.js';
import type { ScalingWork } from './results.js';
import { simulate } from './simulate.js';

/** Taking a unit from the shared cursor and opening its operands: about 1 µs, as the planner assumes (leastUnitFlop). */
const takeUnitMs = 0.001;

export interface Prediction {
  readonly ms: number;
  /** Work a second against one worker's. */
  readonly speedUp: number;
  readonly waitShare: number;
}

/** By number of workers, from 1 on. */
export type CostsOfMachine = readonly MachineCosts[];

export class Predictor {
  readonly #one: MeasuredPoint;
  readonly #plan: PlannedWork;
  readonly #msPerFlop: ReadonlyMap<string, number>;
  readonly #dispatchMs: number;
  readonly #machine: CostsOfMachine;
  readonly #peakSpeedUps = new Map<number, number>();

  /** @param one the measured point of one worker */
  constructor(one: MeasuredPoint, machine: CostsOfMachine) {
    this.#one = one;
    this.#machine = machine;
    this.#plan = planWork(one.work);
    // Phases are means over calls, points are medians.
    const meanMs = Object.values(one.phaseMs).reduce((a, b) => a + b, one.dispatchMs);
    const scale = one.ms.median / meanMs;
    this.#dispatchMs = one.dispatchMs * scale;
    this.#msPerFlop = new Map(
      this.#plan.phases.map(({ name, flop, unitFlop }) => {
        const ms = (one.phaseMs[name] ?? 0) * scale - unitFlop.length * takeUnitMs;
        return [name, Math.max(0, ms) / flop];
      }),
    );
  }

  /** A point measured between pairs knows its peak better than the machine's costs do. */
  learn({ workers, peakSpeedUp }: MeasuredPoint): void {
    this.#peakSpeedUps.set(workers, peakSpeedUp);
  }

  predict(work: ScalingWork, workers: number): Prediction {
    const { phases, unitCount } = planWork(work);
    // Faster together than alone is noise.
    const slowdown = Math.max(1, workers / this.#peakSpeedUp(workers));
    const costs = phases.map(({ name, unitFlop }) => ({
      unitMs: unitFlop.map((flop) => (flop * this.#msPerFlop.get(name)! + takeUnitMs) * slowdown),
    }));
    const { totalMs, waitShare } = simulate(costs, workers);
    const dispatchMs = this.#dispatchMs * (unitCount / this.#plan.unitCount);
    const ms = dispatchMs + this.#wakeMs(workers) + totalMs;
    const speedUp = (work.flop / ms) * (this.#one.ms.median / this.#one.work.flop);
    return { ms, speedUp, waitShare };
  }

  #peakSpeedUp(workers: number): number {
    const learned = this.#peakSpeedUps.get(workers);
    if (learned !== undefined) return learned;
    const known = Math.min(workers, this.#machine.length);
    const last = this.#peakSpeedUps.get(known) ?? this.#machine[known - 1]!.peak / this.#machine[0]!.peak;
    return (workers * last) / known;
  }

  /** Grows evenly beyond the most workers measured: each is posted its job by itself. */
  #wakeMs(workers: number): number {
    if (workers === 1) return 0;
    const known = Math.min(workers, this.#machine.length);
    if (known === 1) return 0;
    const extraMs = Math.max(0, this.#machine[known - 1]!.tinyCallMs - this.#machine[0]!.tinyCallMs);
    return (extraMs * (workers - 1)) / (known - 1);
  }
}
