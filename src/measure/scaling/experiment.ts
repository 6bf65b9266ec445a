// The measuring part of a scaling experiment, an axis at a time: one worker first, then every other number of workers
// against it. Outputs are checked before they are timed.
import { resolveEngineOptions, type EngineOptions } from '../../engine/engine-options.js';
import { createEngine, type Engine } from '../../engine/engine.js';
import type { Tensor } from '../../core/tensor/tensor.js';
import { calibrateSize } from './calibrate.js';
import { checkRows, checkSameBytes } from './check.js';
import { toCurve } from './curve.js';
import { estimateBytes, refuseOverMemory } from './estimate.js';
import { createOperands, openWorkLayer, type WorkOperands } from './layer.js';
import { measureMachineCosts, type MachineCosts } from './machine-costs.js';
import { measureMany, measureOne, type MeasuredPoint, type Side } from './measure-point.js';
import type { Steps } from './progress.js';
import type { ScalingAxis, ScalingCurve, ScalingKind, ScalingWork } from './results.js';
import { sizeFor, workOf } from './work.js';
import type { WorkerCounts } from './worker-counts.js';

export interface ExperimentOptions {
  readonly counts: WorkerCounts;
  readonly kinds: readonly ScalingKind[];
  /** How long a point is measured. */
  readonly seconds: number;
  /** How long a call is to take on one worker. */
  readonly callMs: number;
  readonly kernel: NonNullable<EngineOptions['kernel']>;
}

/** One worker's work and its right output: what the other points of an axis are held against. */
interface Reference extends Side {
  readonly operands: WorkOperands;
  readonly output: Tensor;
}

// What one WebAssembly.Memory holds, but for the scratch of its workers.
const wasmBytes = 2 ** 32 - 2 ** 26;

/** What an experiment runs on. */
export interface Setting {
  /** An engine of one worker. */
  readonly one: Engine;
  /** Processors that this process may use. */
  readonly parallelism: number;
  readonly steps: Steps;
  readonly signal: AbortSignal | undefined;
}

export class Experiment {
  readonly #options: ExperimentOptions;
  readonly #setting: Setting;

  constructor(options: ExperimentOptions, setting: Setting) {
    this.#options = options;
    this.#setting = setting;
  }

  /** From one worker to the most that are measured or predicted and that the machine has. */
  async measureMachine(): Promise<readonly MachineCosts[]> {
    const { measured, predicted } = this.#options.counts;
    const most = Math.max(...measured, ...predicted.filter((count) => count <= this.#setting.parallelism));
    const costs: MachineCosts[] = [];
    for (let workers = 1; workers <= most; workers++) {
      this.#begin(`peak of ${workers} ${workers === 1 ? 'worker' : 'workers'}`);
      costs.push(await this.#withEngine(workers, measureMachineCosts));
    }
    return costs;
  }

  /** The curves of all kinds along one axis. */
  async measureAxis(axis: ScalingAxis, costs: readonly MachineCosts[]): Promise<readonly ScalingCurve[]> {
    const { kinds, counts, seconds, callMs } = this.#options;
    const { one, parallelism, signal } = this.#setting;
    this.#begin(`size of the work by ${axis}`);
    const operands = createOperands(workOf(axis, await calibrateSize(one, axis, callMs)));
    const { work } = operands;
    const workFor = (kind: ScalingKind, workers: number): ScalingWork =>
      kind === 'strong' ? work : workOf(axis, sizeFor(axis, work.flop * workers));
    for (const kind of kinds)
      this.#refuseOverMemory(`${kind} scaling by ${axis}`, work, workFor(kind, counts.measured.at(-1)!));

    using layer = await openWorkLayer(one, operands);
    this.#begin(`by ${axis}: 1 worker`);
    const output = await layer.run();
    checkRows(`The output of one worker by ${axis}`, operands, output);
    const point = await measureOne({ engine: one, layer, work }, { seconds, signal });
    this.#setting.steps.end();
    const reference: Reference = { engine: one, layer, work, operands, output };
    const points = new Map(kinds.map((kind) => [kind, [point]]));
    for (const workers of counts.measured.slice(1)) {
      await this.#withEngine(workers, async (engine) => {
        for (const kind of kinds) {
          this.#begin(`${kind} by ${axis}: ${workers} workers`);
          points.get(kind)!.push(await this.#measurePoint(engine, reference, workFor(kind, workers)));
          this.#setting.steps.end();
        }
      });
    }
    return kinds.map((kind) =>
      toCurve({
        ...{ kind, axis, points: points.get(kind)!, costs, parallelism },
        ...{ predicted: counts.predicted, workFor: (workers: number) => workFor(kind, workers) },
      }),
    );
  }

  async #measurePoint(engine: Engine, reference: Reference, work: ScalingWork): Promise<MeasuredPoint> {
    const isSame = work.flop === reference.work.flop;
    const operands = isSame ? reference.operands : createOperands(work);
    using layer = await openWorkLayer(engine, operands);
    const what = `The output of ${engine.info.threads} workers`;
    const output = await layer.run();
    if (!isSame) checkRows(what, operands, output);
    checkSameBytes(what, isSame ? reference.output : await this.#outputOfOne(operands), output);
    const { seconds } = this.#options;
    return await measureMany(reference, { engine, layer, work }, { seconds, signal: this.#setting.signal });
  }

  #begin(step: string): void {
    this.#setting.signal?.throwIfAborted();
    this.#setting.steps.begin(step);
  }

  async #outputOfOne(operands: WorkOperands): Promise<Tensor> {
    using layer = await openWorkLayer(this.#setting.one, operands);
    return await layer.run();
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
