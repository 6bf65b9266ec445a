// Packing a layer's weights: regions for the panels, and the phase that fills them.
import type { Linear, ResolvedWeights } from '../../attention/weights.js';
import type { Arena } from '../../core/tensor/arena.js';
import { regionOf, RegionViews, type Region } from '../../core/tensor/region.js';
import type { PackWork } from '../../core/protocol/layer-work.js';
import { packedLength } from '../../core/protocol/layout.js';
import type { Strided } from '../../core/protocol/strided.js';
import { headLayout } from './head-operand.js';
import { segmentsOf, type PackedLayer, type PackedLinear } from './assemble-layer.js';
import { planPhase, type PlannedPhase } from './assembly.js';
import { planPacking } from '../plan/plan-layer.js';

// Columns of a segment of W^O, a multiple of every kernel's panel; the other projections are cut by head.
const outputColumns = 64;

export interface LayerPacking {
  readonly layer: PackedLayer;
  readonly phase: PlannedPhase;
  /** What to free when the layer is disposed. */
  readonly regions: readonly Region[];
  /** Writes the keys and values that lie in no input; to be called once, before the first call. */
  writeExtra(): void;
}

/** @throws MEMORY_LIMIT */
export function packLayer(weights: ResolvedWeights, panelColumns: number, arena: Arena): LayerPacking {
  const { heads, kvHeads, headDim, valueDim } = weights;
  const regions: Region[] = [];
  const linears: PackWork['linears'][number][] = [];
  const segments: number[] = [];
  let extra: PackedLayer['extra'] = null;

  try {
    const layer: PackedLayer = {
      heads,
      kvHeads,
      headDim,
      valueDim,
      query: add(weights.query, headDim),
      key: add(weights.key, headDim),
      value: add(weights.value, valueDim),
      output: add(weights.output, outputColumns),
      extra: weights.extraKeys === 0 ? null : addExtra(),
    };
    return {
      layer,
      phase: planPhase('pack', { kind: 'pack', linears }, planPacking(segments)),
      regions,
      writeExtra,
    };
  } catch (error) {
    for (const region of regions) arena.free(region);
    throw error;
  }

  function allocate(length: number): Region {
    const region = arena.allocate(length);
    regions.push(region);
    return region;
  }

  function add({ weight, bias, inputs, outputs }: Linear, segmentColumns: number): PackedLinear {
    const count = Math.ceil(outputs / segmentColumns);
    const region = allocate(count * packedLength(segmentColumns, inputs, panelColumns));
    const panels = { region, columns: outputs, segmentColumns };
    linears.push({
      weight: regionOf(weight.data),
      bias: bias && regionOf(bias.data),
      depth: inputs,
      target: panels,
    });
    segments.push(segmentsOf(panels));
    return { panels, inputs };
  }

  function addExtra(): PackedLayer['extra'] {
    const count = weights.extraKeys;
    const allocateExtra = ({ length }: Float32Array): Region =>
      arena.isOnDevice ? regionOf(new Float32Array(new SharedArrayBuffer(4 * length))) : allocate(length);
    const layOut = (numbers: Float32Array, dims: number): Strided =>
      headLayout(allocateExtra(numbers), count * dims, dims);
    const [key, value] = [layOut(weights.extraKey!, headDim), layOut(weights.extraValue!, valueDim)];
    extra = { count, key, value };
    return extra;
  }

  function writeExtra(): void {
    if (extra === null) return;
    const views = new RegionViews(arena.memory);
    views.floats(extra.key.data).set(weights.extraKey!);
    views.floats(extra.value.data).set(weights.extraValue!);
  }
}
