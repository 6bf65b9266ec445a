// Puts a curve together from its measured points: the simulation beside them and beyond, and the fitted laws.
import { fitAmdahl, fitUniversal } from './laws.js';
import type { MachineCosts } from './machine-costs.js';
import type { MeasuredPoint } from './measure-point.js';
import { Predictor } from './predict.js';
import type { ScalingAxis, ScalingCurve, ScalingKind, ScalingWork } from './results.js';

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

export function toCurve({
  kind,
  axis,
  points,
  costs,
  predicted,
  workFor,
  parallelism,
}: CurveParts): ScalingCurve {
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
    ...{ kind, axis },
    points: points.map((point) => ({ ...point, waitShare: simulationOf(point).waitShare })),
    predicted: simulated.map(({ workers, ms, speedUp, isBeyondMachine }) => ({
      ...{ workers, ms, speedUp, isBeyondMachine },
    })),
    // Of speed-ups, which pairs measure surely: milliseconds also tell how the machine changed meanwhile.
    predictionError: Math.max(...errors),
    amdahl: fitAmdahl(points),
    universal: fitUniversal(points),
  };
}
