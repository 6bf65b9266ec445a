// The engine's side of a layer: its packed weights, and when they go back.
import type { AttentionResult, LayerCall, LayerRuntime } from '../attention/multi-head.js';
import type { Arena } from '../tensor/arena.js';
import { assembleLayer } from './assemble-layer.js';
import type { CallRunner } from './call-runner.js';
import type { LayerPacking } from './pack-layer.js';

export class PackedLayerRuntime implements LayerRuntime {
  readonly #packing: LayerPacking;
  readonly #arena: Arena;
  readonly #runner: CallRunner;
  #openCalls = 0;
  #isDisposed = false;

  constructor(packing: LayerPacking, arena: Arena, runner: CallRunner) {
    this.#packing = packing;
    this.#arena = arena;
    this.#runner = runner;
  }

  async run(call: LayerCall): Promise<AttentionResult> {
    this.#openCalls++;
    try {
      return await this.#runner.run({
        assemble: (memory) => assembleLayer(this.#packing.layer, call, memory),
        inputs: [call.query.data, call.key.data, call.value.data],
        options: call.options,
        tokens: call.batch.queryRows,
      });
    } finally {
      this.#openCalls--;
      this.#freeIfOver();
    }
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#freeIfOver();
  }

  #freeIfOver(): void {
    if (!this.#isDisposed || this.#openCalls > 0) return;
    for (const region of this.#packing.regions) this.#arena.free(region);
  }
}
