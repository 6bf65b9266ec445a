// A scaling experiment from options to results, an axis at a time: one worker first, then every other number of workers
// against it. Outputs are checked before they are timed.
import { resolveEngineOptions, type EngineOptions } from '../../engine/engine-options.js';
import { createEngine, type Engine } from '../../engine/engine.js';
import { version } from '../../engine/version.js';
import type { Tensor } from '../../core/tensor/tensor.js';
import { append, largestOf } from '../../core/lists.js';
import { checkSameBytes } from '../cases/check.js';
import { drawOperands, type Operands } from '../cases/operands.js';
import { prepareCase } from '../cases/prepare.js';
import { signsInScaling } from '../busy.js';
import { describeMachine } from '../machine.js';
import { Clock, type ProgressListener } from '../progress.js';
import { calibrateSize, measureMachineCosts, type MachineCosts } from './machine-costs.js';
import { measurePoint, type MeasuredPoint, type Side } from './measure-point.js';
import {
  countPoints,
  estimateBytes,
  pointMs,
  refuseOverMemory,
  refuseOverTime,
  type WorkerCounts,
} from './plan.js';
import { toCurve } from './predict.js';
import { scalingFormat, type ScalingAxis, type ScalingCurve, type ScalingKind } from './results.js';
import type { ScalingResults, ScalingWork } from './results.js';
import { shapeOf, sizeFor, workOf } from './work.js';

export interface ScalingOptions {
  readonly title: string;
  readonly counts: WorkerCounts;
  readonly kinds: readonly ScalingKind[];
  readonly axes: readonly ScalingAxis[];
  /** How long a point is measured. */
  readonly seconds: number;
  /** How long a call is to take on one worker. */
  readonly callMs: number;
  readonly kernel: NonNullable<EngineOptions['kernel']>;
  readonly maxMinutes: number;
}

/** Who follows an experiment, and may end it. */
export interface ScalingHooks {
  /** Counts points that are measured. */
  readonly onProgress?: ProgressListener;
  /** Looked at between pairs. */
  readonly signal?: AbortSignal;
}

// What one WebAssembly.Memory holds, but for the scratch of its workers.
const wasmBytes = 2 ** 32 - 2 ** 26;

/**
 * Checks, then measures.
 * @throws INVALID_OPTION if it would take longer than `maxMinutes`, MEMORY_LIMIT if a work has no room,
 * KERNEL_UNAVAILABLE, WORKER_START, WORKER_LOST, UNIT_FAILED; RangeError if an output is wrong; the
 * signal's reason
 */
export async function runScaling(options: ScalingOptions, hooks: ScalingHooks = {}): Promise<ScalingResults> {
  const { title, counts, kinds, axes, seconds, callMs, kernel } = options;
  const extent = { kinds: kinds.length, axes: axes.length, workers: counts.measured, seconds, callMs };
  refuseOverTime(extent, options.maxMinutes);
  const startedAt = new Date().toISOString();
  const startMs = performance.now();
  await using one = await createEngine({ kernel, threads: 1 });
  const count = countPoints(extent);
  const clock = new Clock(({ msLeft = count * pointMs(extent), ...progress }) =>
    hooks.onProgress?.({ ...progress, msLeft }),
  );
  clock.plan(count, pointMs(extent));
  const experiment = new Experiment(options, { one, clock, signal: hooks.signal });
  const costs = await experiment.measureMachine();
  const curves: ScalingCurve[] = [];
  for (const axis of axes) append(curves, await experiment.measureAxis(axis, costs));
  const peaks = costs.map(({ peak }) => peak);
  return {
    benchmark: 'scaling',
    format: scalingFormat,
    title,
    version,
    startedAt,
    elapsedMs: performance.now() - startMs,
    busy: signsInScaling(peaks, curves),
    machine: describeMachine(),
    kernel: one.info.kernel,
    instructionSet: one.info.instructionSet,
    peaks,
    curves: kinds.flatMap((kind) => curves.filter((curve) => curve.kind === kind)),
  };
}

/** What an experiment runs on. */
interface Setting {
  /** An engine of one worker. */
  readonly one: Engine;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** One worker's work and its right output: what the other points of an axis are held against. */
interface Reference extends Side {
  readonly operands: Operands;
  readonly output: Tensor;
}

class Experiment {
  readonly #options: ScalingOptions;
  readonly #setting: Setting;
  readonly #parallelism = describeMachine().parallelism;

  constructor(options: ScalingOptions, setting: Setting) {
    this.#options = options;
    this.#setting = setting;
  }

  /** From one worker to the most that are measured or predicted and that the machine has. */
  async measureMachine(): Promise<readonly MachineCosts[]> {
    const { measured, predicted } = this.#options.counts;
    const most = largestOf([...measured, ...predicted.filter((count) => count <= this.#parallelism)]);
    const costs: MachineCosts[] = [];
    for (let workers = 1; workers <= most; workers++) {
      this.#begin(`peak of ${workers} ${workers === 1 ? 'worker' : 'workers'}`);
      costs.push(await this.#withEngine(workers, measureMachineCosts));
    }
    return costs;
  }

  /** The curves of all kinds along one axis. */
  async measureAxis(axis: ScalingAxis, costs: readonly MachineCosts[]): Promise<readonly ScalingCurve[]> {
    const { kinds, counts, callMs } = this.#options;
    const { one } = this.#setting;
    this.#begin(`size of the work by ${axis}`);
    const work = workOf(axis, await calibrateSize(one, axis, callMs));
    const workFor = (kind: ScalingKind, workers: number): ScalingWork =>
      kind === 'strong' ? work : workOf(axis, sizeFor(axis, work.flop * workers));
    for (const kind of kinds)
      this.#refuseOverMemory(`${kind} scaling by ${axis}`, work, workFor(kind, counts.measured.at(-1)!));

    const operands = drawOperands(shapeOf(work));
    using prepared = await prepareCase(one, shapeOf(work), operands);
    this.#begin(`by ${axis}: 1 worker`);
    await prepared.check(`The output of one worker by ${axis}`);
    const { output } = await prepared.call();
    const reference: Reference = { engine: one, prepared, work, operands, output };
    const point = await measurePoint(reference, reference, this.#pointOptions());
    this.#finish();
    const points = new Map(kinds.map((kind) => [kind, [point]]));
    for (const workers of counts.measured.slice(1)) {
      await this.#withEngine(workers, async (engine) => {
        for (const kind of kinds) {
          this.#begin(`${kind} by ${axis}: ${workers} workers`);
          points.get(kind)!.push(await this.#measurePoint(engine, reference, workFor(kind, workers)));
          this.#finish();
        }
      });
    }
    return kinds.map((kind) =>
      toCurve({
        kind,
        axis,
        points: points.get(kind)!,
        costs,
        parallelism: this.#parallelism,
        predicted: counts.predicted,
        workFor: (workers) => workFor(kind, workers),
      }),
    );
  }

  async #measurePoint(engine: Engine, reference: Reference, work: ScalingWork): Promise<MeasuredPoint> {
    const isSame = work.flop === reference.work.flop;
    const operands = isSame ? reference.operands : drawOperands(shapeOf(work));
    using prepared = await prepareCase(engine, shapeOf(work), operands);
    const what = `The output of ${engine.info.threads} workers`;
    if (!isSame) await prepared.check(what);
    const { output } = await prepared.call();
    checkSameBytes(what, isSame ? reference.output : await this.#outputOfOne(work, operands), output);
    return await measurePoint(reference, { engine, prepared, work }, this.#pointOptions());
  }

  async #outputOfOne(work: ScalingWork, operands: Operands): Promise<Tensor> {
    using prepared = await prepareCase(this.#setting.one, shapeOf(work), operands);
    return (await prepared.call()).output;
  }

  #pointOptions() {
    return { seconds: this.#options.seconds, signal: this.#setting.signal };
  }

  #begin(step: string): void {
    this.#setting.signal?.throwIfAborted();
    this.#setting.clock.begin(step);
  }

  #finish(): void {
    this.#setting.clock.finish(pointMs(this.#options));
  }

  #refuseOverMemory(what: string, one: ScalingWork, many: ScalingWork): void {
    const bytes = estimateBytes(one, many);
    refuseOverMemory(what, bytes.all, resolveEngineOptions({}).memoryLimitBytes);
    if (this.#setting.one.info.kernel === 'wasm') refuseOverMemory(what, bytes.largestEngine, wasmBytes);
  }

  async #withEngine<T>(workers: number, use: (engine: Engine) => Promise<T>): Promise<T> {
    if (workers === 1) return use(this.#setting.one);
    await using engine = await createEngine({ kernel: this.#options.kernel, threads: workers });
    // Awaited here: the engine closes when this returns.
    return await use(engine);
  }
}
