// What a run will take, without running it: its batches go through the engine's own planning on an arena that only
// counts.
import { raggedBatch } from '../attention/batch.js';
import { resolveOptions } from '../attention/resolve-options.js';
import { resolveWeights } from '../attention/weights.js';
import type { SharedFloats } from '../attention/shared.js';
import { assembleLayer } from '../engine/assemble-layer.js';
import { packLayer } from '../engine/pack-layer.js';
import { WorkingSet } from '../engine/working-set.js';
import { createCountingArena } from '../tensor/arena.js';
import { offsetsOf } from './batches.js';
import { keyTokens, type OpenRun } from './open-run.js';

export interface RunEstimate {
  readonly sequences: number;
  readonly tokens: number;
  readonly batches: number;
  readonly units: number;
  readonly flop: number;
  /** Packed weights, working memory and buffers while the largest batch is computed; without the process itself. */
  readonly memoryBytes: number;
}

// Panels of packed weights are padded to 8 … 32 columns, depending on the kernel.
const panelColumns = 16;

/** @throws INVALID_OPTION, INVALID_WEIGHTS as the run itself would */
export function estimateRun(run: OpenRun, heads: number, kvHeads: number): RunEstimate {
  const { request, query, key, value, batches } = run;
  const weights = resolveWeights(request.weights, heads, kvHeads);
  const arena = createCountingArena();
  const { layer } = packLayer(weights, panelColumns, arena);
  const packedBytes = arena.bytesInUse;
  // One stand-in for each input: the planner asks which inputs are the same, never what is in them.
  const queryRows = standIn();
  const keyRows = key === query ? queryRows : standIn();
  const valueRows = value === key ? keyRows : standIn();

  let [units, flop, workingBytes] = [0, 0, 0];
  for (const range of batches) {
    const offsets = offsetsOf(query.lengths, range);
    const keyOffsets = offsetsOf(key.lengths, range);
    const lengths = { offsets, keyOffsets, keyLengths: undefined };
    const batch = raggedBatch(range.tokens, keyTokens(key, range), lengths, false);
    const options = { ...resolveOptions(request.options, weights, batch, []), out: standIn() };
    const call = { query: queryRows, key: keyRows, value: valueRows, batch, options, outputShape: [] };
    const memory = new WorkingSet(arena);
    for (const phase of assembleLayer(layer, call, memory).phases) {
      units += phase.unitCount;
      flop += phase.flop;
    }
    workingBytes = Math.max(workingBytes, arena.bytesInUse - packedBytes);
    memory.release();
  }
  const tokens = query.offsets.at(-1)!;
  const memoryBytes = packedBytes + workingBytes + bufferBytes(run, weights.output.outputs);
  return { sequences: query.count, tokens, batches: batches.length, units, flop, memoryBytes };
}

/** Two sets of inputs, one being read while the other is computed, and one output. */
function bufferBytes(
  { query, key, value, batches, mostTokens, mostKeyTokens }: OpenRun,
  outputDim: number,
): number {
  const inputs =
    mostTokens * query.modelDim +
    (key === query ? 0 : mostKeyTokens * key.modelDim) +
    (value === key ? 0 : mostKeyTokens * value.modelDim);
  return 4 * (Math.min(2, batches.length) * inputs + mostTokens * outputDim);
}

function standIn(): SharedFloats {
  return { shape: [0], data: new Float32Array(new SharedArrayBuffer(0)) };
}
