// Predicts calls on any number of workers: the real plan of the work, taken by simulated workers, at the costs that one
// worker was measured to have.
//
// What a unit costs: its FLOP at its phase's time per FLOP on one worker, and a little for being taken; times how much
// slower each of so many workers runs nothing but multiply-adds (turbo, shared units), as measured, or beyond the
// machine as with the most workers measured. What the call costs beside: what it costs with one worker, by the number of
// units, and what a tiny call takes longer with so many workers. Memory and caches that workers share are not in it.
import { largestOf } from '../../core/lists.js';
import { planCase } from '../cases/plan.js';
import { fitAmdahl, fitUniversal } from './laws.js';
import type { MachineCosts } from './machine-costs.js';
import type { MeasuredPoint } from './measure-point.js';
import type { ScalingAxis, ScalingCurve, ScalingKind, ScalingWork } from './results.js';
import { simulate } from './simulate.js';
import { shapeOf } from './work.js';

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
  readonly #unitCount: number;
  readonly #msPerFlop: ReadonlyMap<string, number>;
  readonly #dispatchMs: number;
  readonly #machine: CostsOfMachine;
  readonly #peakSpeedUps = new Map<number, number>();

  /** @param one the measured point of one worker */
  constructor(one: MeasuredPoint, machine: CostsOfMachine) {
    this.#one = one;
    this.#machine = machine;
    const { phases, unitCount } = planUnits(one.work);
    this.#unitCount = unitCount;
    // Phases are means over calls, points are medians.
    const meanMs = Object.values(one.phaseMs).reduce((a, b) => a + b, one.dispatchMs);
    const scale = one.ms.median / meanMs;
    this.#dispatchMs = one.dispatchMs * scale;
    this.#msPerFlop = new Map(
      phases.map(({ name, flop, unitFlop }) => {
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
    const { phases, unitCount } = planUnits(work);
    // Faster together than alone is noise.
    const slowdown = Math.max(1, workers / this.#peakSpeedUp(workers));
    const costs = phases.map(({ name, unitFlop }) => ({
      unitMs: unitFlop.map((flop) => (flop * this.#msPerFlop.get(name)! + takeUnitMs) * slowdown),
    }));
    const { totalMs, waitShare } = simulate(costs, workers);
    const dispatchMs = this.#dispatchMs * (unitCount / this.#unitCount);
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

function planUnits(work: ScalingWork) {
  const { phases } = planCase(shapeOf(work));
  return { phases, unitCount: phases.reduce((sum, { unitCount }) => sum + unitCount, 0) };
}

export interface CurveParts {
  readonly kind: ScalingKind;
  readonly axis: ScalingAxis;
  /** Ascending, that of one worker first. */
  readonly points: readonly MeasuredPoint[];
  /** Of 1, 2, 3 … workers. */
  readonly costs: readonly MachineCosts[];
  /** Numbers of workers to simulate, those of the points among them. */
  readonly predicted: readonly number[];
  readonly workFor: (workers: number) => ScalingWork;
  /** Processors that this process may use. */
  readonly parallelism: number;
}

/** A curve from its measured points: the simulation beside them and beyond, and the fitted laws. */
export function toCurve(parts: CurveParts): ScalingCurve {
  const { kind, axis, points, costs, predicted, workFor, parallelism } = parts;
  const predictor = new Predictor(points[0]!, costs);
  for (const point of points) predictor.learn(point);
  const simulated = predicted.map((workers) => ({
    workers,
    ...predictor.predict(workFor(workers), workers),
    isBeyondMachine: workers > parallelism,
  }));
  const simulationOf = ({ workers }: MeasuredPoint) =>
    simulated.find((prediction) => prediction.workers === workers)!;
  const errors = points.map((point) => Math.abs(simulationOf(point).speedUp / point.speedUp - 1));
  return {
    kind,
    axis,
    points: points.map((point) => ({ ...point, waitShare: simulationOf(point).waitShare })),
    predicted: simulated.map(({ workers, ms, speedUp, isBeyondMachine }) => ({
      workers,
      ms,
      speedUp,
      isBeyondMachine,
    })),
    // Of speed-ups, which pairs measure surely: milliseconds also tell how the machine changed meanwhile.
    predictionError: largestOf(errors),
    amdahl: fitAmdahl(points),
    universal: fitUniversal(points),
  };
}
