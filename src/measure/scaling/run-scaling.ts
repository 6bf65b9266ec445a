// A scaling experiment from options to results.
import { createEngine } from '../../engine/engine.js';
import { version } from '../../engine/version.js';
import { describeMachine } from '../machine.js';
import { refuseOverTime } from './estimate.js';
import { Experiment, type ExperimentOptions } from './experiment.js';
import { startProgress, type ScalingProgress } from './progress.js';
import { scalingFormat, type ScalingAxis, type ScalingCurve, type ScalingResults } from './results.js';

export interface ScalingOptions extends ExperimentOptions {
  readonly axes: readonly ScalingAxis[];
  readonly title: string;
  readonly maxMinutes: number;
}

/** Who follows an experiment, and may end it. */
export interface ScalingHooks {
  readonly onProgress?: (progress: ScalingProgress) => void;
  /** Looked at between pairs. */
  readonly signal?: AbortSignal;
}

/**
 * Checks, then measures.
 * @throws INVALID_OPTION if it would take longer than `maxMinutes`, MEMORY_LIMIT if a work has no room,
 * KERNEL_UNAVAILABLE, WORKER_START, WORKER_LOST, UNIT_FAILED; RangeError if an output is wrong; the
 * signal's reason
 */
export async function runScaling(
  options: ScalingOptions,
  { onProgress = () => undefined, signal }: ScalingHooks = {},
): Promise<ScalingResults> {
  const { kinds, axes, kernel, title, counts } = options;
  const extent = { ...options, kinds: kinds.length, axes: axes.length, workers: counts.measured };
  refuseOverTime(extent, options.maxMinutes);
  const startedAt = new Date().toISOString();
  const startMs = performance.now();
  const machine = describeMachine();
  await using one = await createEngine({ kernel, threads: 1 });
  const { parallelism } = machine;
  const steps = startProgress(extent, onProgress);
  const experiment = new Experiment(options, { one, parallelism, steps, signal });
  const costs = await experiment.measureMachine();
  const curves: ScalingCurve[] = [];
  for (const axis of axes) curves.push(...(await experiment.measureAxis(axis, costs)));
  return {
    benchmark: 'scaling',
    format: scalingFormat,
    ...{ title, version, startedAt, elapsedMs: performance.now() - startMs, machine },
    ...{ kernel: one.info.kernel, instructionSet: one.info.instructionSet },
    peaks: costs.map(({ peak }) => peak),
    curves: kinds.flatMap((kind) => curves.filter((curve) => curve.kind === kind)),
  };
}
