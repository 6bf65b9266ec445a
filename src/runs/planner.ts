// What work a chunk is and what memory it takes, without computing it: it goes through the engine's own planning on an
// arena that only counts.
import { raggedBatch } from '../attention/batch.js';
import { resolveOptions } from '../attention/resolve-options.js';
import { resolveWeights, type ResolvedWeights } from '../attention/weights.js';
import { assembleLayer, type PackedLayer } from '../engine/assemble/assemble-layer.js';
import { packForPlanning, planningContext, standIn } from '../engine/assemble/dry-assembly.js';
import { createCountingArena, type Arena } from '../core/tensor/arena.js';
import { hasStatistics, type RunRequest } from './request.js';

export interface ChunkWork {
  readonly units: number;
  readonly flop: number;
  /** Working memory while it is computed; inputs and outputs are not in it. */
  readonly workingBytes: number;
}

export class RunPlanner {
  readonly #request: RunRequest;
  readonly #weights: ResolvedWeights;
  readonly #layer: PackedLayer;
  readonly #arena: Arena = createCountingArena();
  /** Weights as the kernels want them. */
  readonly packedBytes: number;
  /** Numbers of a row of the output. */
  readonly outputDim: number;

  /** @throws INVALID_WEIGHTS as the layer itself would */
  constructor(request: RunRequest, heads: number, kvHeads: number) {
    this.#request = request;
    this.#weights = resolveWeights(request.weights, heads, kvHeads);
    this.#layer = packForPlanning(this.#weights, this.#arena);
    this.packedBytes = this.#arena.bytesInUse;
    this.outputDim = this.#weights.output.outputs;
  }

  /**
   * @param offsets rows of the sequences [sequences + 1], and of their keys
   * @throws INVALID_OPTION as the call itself would
   */
  plan(offsets: readonly number[], keyOffsets: readonly number[] = offsets): ChunkWork {
    const { options: runOptions, key, value } = this.#request;
    const headStatistics = hasStatistics(this.#request);
    const lengths = { offsets, keyOffsets, keyLengths: undefined };
    const batch = raggedBatch(offsets.at(-1)!, keyOffsets.at(-1)!, lengths, false);
    // One stand-in for each input: the planner asks which inputs are the same, never what is in them.
    const queryRows = standIn();
    const keyRows = key === undefined ? queryRows : standIn();
    const valueRows = value === undefined ? keyRows : standIn();
    const resolved = resolveOptions({ ...runOptions, headStatistics }, this.#weights, batch, []);
    const options = { ...resolved, out: standIn() };
    const call = { query: queryRows, key: keyRows, value: valueRows, batch, options, outputShape: [] };
    const context = planningContext(this.#arena);
    const { phases } = assembleLayer(this.#layer, call, context);
    const workingBytes = this.#arena.bytesInUse - this.packedBytes;
    context.memory.release();
    const sum = (part: 'unitCount' | 'flop'): number =>
      phases.reduce((total, phase) => total + phase[part], 0);
    return { units: sum('unitCount'), flop: sum('flop'), workingBytes };
  }
}
