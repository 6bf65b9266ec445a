// How a layer computes its short calls: gathered with others while workers are busy, else as a call that was kept.
import { describeLayerCall, type LayerCall } from '../attention/layer-call.js';
import type { PlainOptions } from '../attention/plain-options.js';
import type { ResolvedWeights } from '../attention/weights.js';
import type { Priority } from '../core/protocol/messages.js';
import type { KernelTraits } from '../core/protocol/kernels.js';
import { createTensor, type Tensor } from '../core/tensor/tensor.js';
import type { Shape } from '../core/tensor/shape.js';
import type { Assembly } from './assemble/assembly.js';
import { assembleLayer, type PackedLayer } from './assemble/assemble-layer.js';
import type { WorkingSet } from './assemble/working-set.js';
import { runPhases, type Computed, type Computing, type JobHost } from './compute.js';
import type { Batching } from './engine-options.js';
import { Gathering, type Pass, type PassOutput } from './gathering.js';
import type { KeptCall, KeptCalls, KeptParts } from './kept-calls.js';

export interface ShortCallsHost extends JobHost {
  readonly traits: KernelTraits;
  readonly kept: KeptCalls;
  readonly batching: Batching;
  openMemory(): WorkingSet;
}

/** A call whose options say nothing of particular sequences. */
export interface PlainCall {
  readonly call: LayerCall;
  readonly plain: PlainOptions;
}

// Of options that differ; those that nobody asks for any more are forgotten.
const mostGatherings = 64;

export class ShortCalls {
  readonly #weights: ResolvedWeights;
  readonly #layer: PackedLayer;
  readonly #host: ShortCallsHost;
  readonly #gatherings = new Map<string, Gathering>();

  constructor(weights: ResolvedWeights, layer: PackedLayer, host: ShortCallsHost) {
    this.#weights = weights;
    this.#layer = layer;
    this.#host = host;
  }

  /** Computes a call; undefined where it is better computed alone. @throws what computing throws */
  compute(short: PlainCall, computing: Computing): Promise<Computed> | undefined {
    const { batch } = short.call;
    const { batching, scheduler, kept, traits } = this.#host;
    if (scheduler.isBusy && Gathering.fits(batch.queryRows, batching)) return this.#gather(short, computing);
    const { inputs } = this.#weights.query;
    const { outputs } = this.#weights.output;
    if (traits.takes !== 'units' || !kept.fits(batch.queryRows * (inputs + outputs))) return undefined;
    const taken = this.#take(short, computing.priority);
    return taken && this.#runKept(taken, short, computing);
  }

  /** Gives the memory of calls back, none of which may run. */
  dispose(): void {
    this.#host.kept.dispose(this);
  }

  async #gather({ call, plain }: PlainCall, { memory, signal, priority }: Computing): Promise<Computed> {
    const { output, spans } = await this.#gatheringOf(plain, priority).join({
      rows: call.query.data,
      lengths: call.batch.entries.map(({ queries }) => queries),
      signal,
    });
    return { result: { output: copyOutput(output, call, memory) }, spans, isGathered: true };
  }

  #gatheringOf(plain: PlainOptions, priority: Priority): Gathering {
    const key = `${priority} ${plain.key}`;
    let gathering = this.#gatherings.get(key);
    if (gathering === undefined) {
      if (this.#gatherings.size >= mostGatherings) {
        for (const [other, { isIdle }] of this.#gatherings) if (isIdle) this.#gatherings.delete(other);
      }
      const { inputs } = this.#weights.query;
      const compute = (pass: Pass): Promise<PassOutput> => this.#computePass(pass, plain, priority);
      gathering = new Gathering(this.#host.batching, inputs, compute);
      this.#gatherings.set(key, gathering);
    }
    return gathering;
  }

  async #computePass(
    { rows, offsets, signal, calls }: Pass,
    { options }: PlainOptions,
    priority: Priority,
  ): Promise<PassOutput> {
    const shape = [offsets.at(-1)!, this.#weights.query.inputs];
    const call = describeLayerCall(this.#weights, { shape, data: rows }, { ...options, offsets }, this);
    const memory = this.#host.openMemory();
    try {
      const assembly = this.#assemble(call, memory);
      const spans = await runPhases(assembly.phases, this.#host, { signal, priority });
      this.#host.stats.gather(calls);
      return { output: assembly.conclude().output.data, spans };
    } finally {
      memory.release();
    }
  }

  #take({ call, plain }: PlainCall, priority: Priority): KeptCall | undefined {
    const { kept } = this.#host;
    const { shape } = call.query;
    return kept.take({ owner: this, shape, plain, priority }, (memory) =>
      this.#assembleKept(shape, call.outputShape, plain, memory),
    );
  }

  #assembleKept(shape: Shape, outputShape: Shape, { options }: PlainOptions, memory: WorkingSet): KeptParts {
    const input = createTensor(shape);
    const out = createTensor(outputShape);
    const call = describeLayerCall(this.#weights, input, { ...options, out }, this);
    return { input: input.data, output: out.data, assembly: this.#assemble(call, memory) };
  }

  async #runKept(taken: KeptCall, { call }: PlainCall, computing: Computing): Promise<Computed> {
    const { kept } = this.#host;
    let isDone = false;
    try {
      taken.input.set(call.query.data);
      const spans = await runPhases(taken.phases, this.#host, computing, taken.job);
      const output = copyOutput(taken.output, call, computing.memory);
      isDone = true;
      return { result: { output }, spans };
    } finally {
      if (isDone) kept.give(taken);
      else kept.drop(taken);
    }
  }

  #assemble(call: LayerCall, memory: WorkingSet): Assembly {
    const { traits } = this.#host;
    return assembleLayer(this.#layer, call, { memory, traits, cacheUse: null, gram: null });
  }
}

/** Rows that others will overwrite, as the output of a call. */
function copyOutput(rows: Float32Array, { options, outputShape }: LayerCall, memory: WorkingSet): Tensor {
  const output = options.out ?? memory.createResult(outputShape);
  output.data.set(rows);
  return output;
}
