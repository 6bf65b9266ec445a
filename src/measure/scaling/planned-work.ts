// What the engine's planner makes of a work, without computing it: the units of its phases in the order in which workers
// take them, and the memory of a call. It goes through the real assembly on an arena that only counts.
import { denseBatch } from '../../attention/batch.js';
import { resolveOptions } from '../../attention/resolve-options.js';
import { assembleLayer } from '../../engine/assemble/assemble-layer.js';
import {
  packForPlanning,
  planningContext,
  standIn,
  standInWeights,
} from '../../engine/assemble/dry-assembly.js';
import { createCountingArena } from '../../core/tensor/arena.js';
import type { ScalingWork } from './results.js';

/** A phase that has units. */
export interface PlannedUnits {
  readonly name: string;
  readonly flop: number;
  readonly unitFlop: Float64Array;
  /** What each unit is, as its phase reads it: [unitCount, unitWords]. */
  readonly units: Int32Array;
}

export interface PlannedWork {
  readonly phases: readonly PlannedUnits[];
  readonly unitCount: number;
  /** Weights as the caller holds them, and the input. */
  readonly givenBytes: number;
  /** Packed weights, working memory and the output: what each engine takes on top. */
  readonly engineBytes: number;
}

export function planWork({ modelDim, heads, tokens, batch: count }: ScalingWork): PlannedWork {
  const arena = createCountingArena();
  const headDim = modelDim / heads;
  const shape = { heads, kvHeads: heads, headDim, valueDim: headDim };
  const layer = packForPlanning(standInWeights(modelDim, shape), arena);
  const lengths = { keyLengths: undefined, offsets: undefined, keyOffsets: undefined };
  const batch = denseBatch(count, tokens, tokens, lengths);
  const rows = standIn();
  const options = { ...resolveOptions({}, shape, batch, []), out: standIn() };
  const call = { query: rows, key: rows, value: rows, batch, options, outputShape: [] };
  const { phases } = assembleLayer(layer, call, planningContext(arena));
  const rowBytes = count * tokens * modelDim * 4;
  return {
    phases: phases.filter(({ unitCount }) => unitCount > 0),
    unitCount: phases.reduce((sum, { unitCount }) => sum + unitCount, 0),
    givenBytes: 4 * modelDim ** 2 * 4 + rowBytes,
    engineBytes: arena.bytesInUse + rowBytes,
  };
}
