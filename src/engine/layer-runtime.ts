// The engine's side of a layer: its packed weights, and when they go back.
import { KeyValueCache } from '../attention/cache.js';
import type { ResolvedCacheOptions } from '../attention/cache-options.js';
import type { AttentionResult, LayerCall, LayerRuntime } from '../attention/multi-head.js';
import { pagesFor } from '../attention/page-table.js';
import type { Arena } from '../core/tensor/arena.js';
import type { ResolvedWeights } from '../attention/weights.js';
import type { Region } from '../core/tensor/region.js';
import { assembleLayer, type CallContext } from './assemble-layer.js';
import { pageTokens, type Panels } from '../core/protocol/layout.js';
import { beginUse } from './cached-keys.js';
import type { CallRunner } from './call-runner.js';
import { packGram, type GramPanels } from './contributions.js';
import type { LayerPacking } from './pack-layer.js';
import { PageStorage } from './page-storage.js';
import type { Scheduler } from './scheduler.js';

/** What a layer takes of its engine. */
export interface LayerHost {
  readonly arena: Arena;
  readonly runner: CallRunner;
  readonly scheduler: Scheduler;
  readonly panelColumns: number;
}

export class PackedLayerRuntime implements LayerRuntime {
  readonly #packing: LayerPacking;
  readonly #weights: ResolvedWeights;
  readonly #host: LayerHost;
  #gram: Promise<GramPanels> | undefined;
  readonly #regions: Region[];
  #openCalls = 0;
  #isDisposed = false;

  constructor(packing: LayerPacking, weights: ResolvedWeights, host: LayerHost) {
    this.#packing = packing;
    this.#weights = weights;
    this.#host = host;
    this.#regions = [...packing.regions];
  }

  async run(call: LayerCall): Promise<AttentionResult> {
    this.#openCalls++;
    try {
      // First of all: the call is described for what its caches hold now.
      const cacheUse = call.caches.length === 0 ? null : beginUse(call.caches, call.batch);
      try {
        const gram = call.options.headStatistics ? await this.#packGram() : null;
        const batch = cacheUse?.batch ?? call.batch;
        const result = await this.#run({ ...call, batch }, { gram, cacheUse });
        cacheUse?.commit();
        return result;
      } catch (error) {
        cacheUse?.rollback();
        throw error;
      }
    } finally {
      this.#openCalls--;
      this.#freeIfOver();
    }
  }

  #run(call: LayerCall, context: CallContext): Promise<AttentionResult> {
    return this.#host.runner.run({
      assemble: (memory) => assembleLayer(this.#packing.layer, call, memory, context),
      inputs: [call.query.data, call.key.data, call.value.data],
      options: call.options,
      tokens: call.batch.queryRows,
    });
  }

  /** Made by the first call that needs it, and again by the next one if that fails. */
  async #packGram(): Promise<Panels> {
    this.#host.runner.refuseIfClosed();
    this.#gram ??= packGram(this.#weights, this.#host.panelColumns, this.#host);
    try {
      const { panels, region } = await this.#gram;
      if (!this.#regions.includes(region)) this.#regions.push(region);
      return panels;
    } catch (error) {
      this.#gram = undefined;
      throw error;
    }
  }

  createCache(options: ResolvedCacheOptions): KeyValueCache {
    this.#host.runner.refuseIfClosed();
    const pages = pagesFor({ ...options, pageTokens });
    const storage = new PageStorage(this.#packing.layer, pages, options.dtype, this.#host.arena);
    return new KeyValueCache({ ...options, layer: this, storage });
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#freeIfOver();
  }

  #freeIfOver(): void {
    if (!this.#isDisposed || this.#openCalls > 0) return;
    for (const region of this.#regions.splice(0)) this.#host.arena.free(region);
  }
}
