// The layer: projections, heads, concatenation and W^O as one call. Its packed weights lie in the engine's arena until it
// is disposed and its last call is over.
import { KeyValueCache } from '../attention/cache.js';
import { resolveCacheOptions, type CacheOptions } from '../attention/cache-options.js';
import { explainLayer, type WeightIndex } from '../attention/explain.js';
import type { Explanation } from '../attention/explain-row.js';
import { describeLayerCall, type CrossInputs, type LayerCall } from '../attention/layer-call.js';
import type { AttentionOptions } from '../attention/options.js';
import { plainOptions } from '../attention/plain-options.js';
import { pagesFor } from '../attention/page-table.js';
import { readOptions } from '../attention/read-options.js';
import type { AttentionResult } from '../attention/result.js';
import type { ResolvedWeights } from '../attention/weights.js';
import { HeadpoolError } from '../core/errors.js';
import { pageTokens, type Panels } from '../core/protocol/layout.js';
import type { Arena } from '../core/tensor/arena.js';
import type { Region } from '../core/tensor/region.js';
import type { TensorLike } from '../core/tensor/tensor.js';
import { assembleLayer } from './assemble/assemble-layer.js';
import { beginUse, type CacheUse } from './assemble/cached-keys.js';
import type { CallRunner } from './call-runner.js';
import { computeAlone, type Computed, type Computing } from './compute.js';
import { packGram, type GramPanels } from './assemble/contributions.js';
import { predictLayer } from './assemble/predict-bytes.js';
import { packLayer, type LayerPacking } from './assemble/pack-layer.js';
import { PageStorage } from './page-storage.js';
import { refuseUncomputable } from './refuse-uncomputable.js';
import type { Resident } from './scheduler.js';
import { ShortCalls, type ShortCallsHost } from './short-calls.js';

/** What a layer takes of its engine. */
export interface LayerHost extends ShortCallsHost {
  readonly arena: Arena;
  readonly runner: CallRunner;
}

interface LayerSettings {
  readonly name: string | undefined;
  /** Of the options of its calls. */
  readonly defaults: AttentionOptions;
}

export class MultiHeadAttention {
  /** As it was given, for traces. */
  readonly name: string | undefined;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly valueDim: number;
  /** Width of the query input. */
  readonly modelDim: number;
  readonly outputDim: number;
  readonly #weights: ResolvedWeights;
  readonly #defaults: AttentionOptions;
  readonly #host: LayerHost;
  readonly #packing: LayerPacking;
  readonly #regions: Region[];
  readonly #residents: Resident[] = [];
  readonly #short: ShortCalls;
  #gram: Promise<GramPanels> | undefined;
  #openCalls = 0;
  #isDisposed = false;

  /** Made by `engine.multiHeadAttention`. @throws MEMORY_LIMIT @internal */
  constructor(weights: ResolvedWeights, { name, defaults }: LayerSettings, host: LayerHost) {
    this.name = name;
    this.heads = weights.heads;
    this.kvHeads = weights.kvHeads;
    this.headDim = weights.headDim;
    this.valueDim = weights.valueDim;
    this.modelDim = weights.query.inputs;
    this.outputDim = weights.output.outputs;
    this.#weights = weights;
    this.#defaults = defaults;
    this.#host = host;
    this.#packing = packLayer(weights, host.traits.panelColumns, host.arena);
    this.#packing.writeExtra();
    this.#regions = [...this.#packing.regions];
    this.#short = new ShortCalls(weights, this.#packing.layer, host);
  }

  /** Packs the weights, once, before the first call. @internal */
  async pack(): Promise<void> {
    try {
      this.#residents.push(await this.#host.scheduler.runResident([this.#packing.phase]));
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /**
   * softmax(q·kᵀ·scale)·v of every head, concatenated, times W^O.
   * @param input x [batch, tokens, modelDim], or [tokens, modelDim] for one sequence or, with `offsets`, a ragged
   * batch; { query, key, value? } for cross-attention
   * @returns output shaped like the query input with outputDim as its width
   * @throws INVALID_SHAPE, INVALID_OPTION, UNKNOWN_OPTION before anything is allocated; MEMORY_LIMIT, QUEUE_FULL,
   * TIMEOUT, BUFFER_IN_USE, WORKER_LOST, UNIT_FAILED, ENGINE_CLOSED; CACHE_FULL, CACHE_IN_USE; the signal's reason when
   * cancelled. A call that fails leaves its caches as they were.
   */
  async forward(input: TensorLike | CrossInputs, options: AttentionOptions = {}): Promise<AttentionResult> {
    const calledMs = performance.now();
    this.#refuseIfDisposed();
    const wishes = { ...this.#defaults, ...readOptions(options) };
    refuseUncomputable(wishes, this.#host.traits);
    const call = this.describe(input, wishes);
    this.#openCalls++;
    try {
      return await this.#run(call, wishes, calledMs);
    } finally {
      this.#openCalls--;
      this.#freeIfOver();
    }
  }

  async #run(call: LayerCall, wishes: AttentionOptions, calledMs: number): Promise<AttentionResult> {
    // First of all: the call is described for what its caches hold now.
    const cacheUse = call.caches.length === 0 ? null : beginUse(call.caches, call.batch);
    try {
      const { runner, traits } = this.#host;
      const described = { ...call, batch: cacheUse?.batch ?? call.batch };
      const plain = call.query === call.key && call.key === call.value ? plainOptions(wishes) : undefined;
      const result = await runner.run({
        calledMs,
        bytes: predictLayer(this.#packing.layer, described, { traits, cacheUse }),
        compute: (computing) =>
          (plain && this.#short.compute({ call, plain }, computing)) ??
          this.#computeAlone(described, cacheUse, computing),
        inputs: [call.query.data, call.key.data, call.value.data],
        layer: this,
        shape: call.query.shape,
        options: call.options,
        tokens: described.batch.queryRows,
        cached: cacheUse !== null,
      });
      cacheUse?.commit();
      return result;
    } catch (error) {
      cacheUse?.rollback();
      throw error;
    }
  }

  async #computeAlone(call: LayerCall, cacheUse: CacheUse | null, computing: Computing): Promise<Computed> {
    const { traits } = this.#host;
    const { memory } = computing;
    let gram: Panels | null = null;
    if (call.options.headStatistics) {
      await computing.wait(
        this.#packGram().then((panels) => {
          gram = panels;
        }),
      );
    }
    const assembly = assembleLayer(this.#packing.layer, call, { memory, traits, cacheUse, gram });
    return computeAlone(assembly, this.#host, computing);
  }

  /**
   * Checks a call without running it.
   * @param options all of them, as they are
   * @throws as `forward` for its arguments
   * @internal
   */
  describe(input: TensorLike | CrossInputs, options: AttentionOptions = {}): LayerCall {
    return describeLayerCall(this.#weights, input, options, this);
  }

  /**
   * Keys and values of tokens that calls with the option `cache` have seen, so that later calls need only the new ones.
   * @throws INVALID_OPTION, UNKNOWN_OPTION, MEMORY_LIMIT, ENGINE_CLOSED
   */
  createCache(options: CacheOptions): KeyValueCache {
    this.#refuseIfDisposed();
    const resolved = resolveCacheOptions(options);
    this.#host.runner.refuseIfClosed();
    const pages = pagesFor({ ...resolved, pageTokens });
    const storage = new PageStorage(this.#packing.layer, pages, resolved.dtype, this.#host.arena);
    return new KeyValueCache({ ...resolved, layer: this, storage });
  }

  /**
   * Why one weight of a call is what it is, in float64 on this thread: O(keys · headDim · modelDim).
   * @throws as `forward` does for its arguments; INVALID_OPTION naming `batch`, `head`, `query` or `key` where there is
   * none of that index, or `cache`
   */
  explain(input: TensorLike | CrossInputs, at: WeightIndex, options: AttentionOptions = {}): Explanation {
    const wishes = { ...this.#defaults, ...readOptions(options) };
    return explainLayer(this.#weights, this.describe(input, wishes), at);
  }

  /** Gives the packed weights back; open calls finish first. Further calls reject with ENGINE_CLOSED. */
  dispose(): void {
    this.#isDisposed = true;
    this.#freeIfOver();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Made by the first call that needs it, and again by the next one if that fails. */
  async #packGram(): Promise<Panels> {
    this.#gram ??= packGram(this.#weights, this.#host).then((gram) => {
      this.#regions.push(gram.region);
      this.#residents.push(gram.resident);
      // The calls that it was made for may be over.
      this.#freeIfOver();
      return gram;
    });
    try {
      return (await this.#gram).panels;
    } catch (error) {
      this.#gram = undefined;
      throw error;
    }
  }

  #refuseIfDisposed(): void {
    if (this.#isDisposed) throw new HeadpoolError('ENGINE_CLOSED', 'The layer was disposed before the call');
  }

  #freeIfOver(): void {
    if (!this.#isDisposed || this.#openCalls > 0) return;
    this.#short.dispose();
    for (const resident of this.#residents.splice(0)) resident.release();
    for (const region of this.#regions.splice(0)) this.#host.arena.free(region);
  }
}
