// What it takes to plan a call that nobody computes: the planner asks for widths, and which inputs are the same, never what
// is in them.
import type { Heads } from '../../core/protocol/layout.js';
import type { SharedFloats } from '../../attention/share-operands.js';
import type { Linear, ResolvedWeights } from '../../attention/weights.js';
import type { Arena } from '../../core/tensor/arena.js';
import { cpuTraits } from '../../core/protocol/kernels.js';
import type { LayerContext, PackedLayer } from './assemble-layer.js';
import { WorkingSet } from './working-set.js';
import { packLayer } from './pack-layer.js';

// Panels of packed weights are padded to 8 … 32 columns, depending on the kernel.
const panelColumns = 16;

/** No numbers; every call gives another input. */
export function standIn(): SharedFloats {
  return { shape: [0], data: new Float32Array(new SharedArrayBuffer(0)) };
}

/** Weights with biases of a self-attention layer on tokens of width `modelDim`. */
export function standInWeights(modelDim: number, heads: Heads): ResolvedWeights {
  const linear = (outputs: number, inputs: number): Linear => ({
    outputs,
    inputs,
    weight: standIn(),
    bias: standIn(),
  });
  return {
    ...heads,
    query: linear(heads.heads * heads.headDim, modelDim),
    key: linear(heads.kvHeads * heads.headDim, modelDim),
    value: linear(heads.kvHeads * heads.valueDim, modelDim),
    output: linear(modelDim, heads.heads * heads.valueDim),
    extraKeys: 0,
    extraKey: null,
    extraValue: null,
  };
}

/** What calls are assembled in that nobody computes; kernels of processors all cut the same units. */
export function planningContext(arena: Arena, isWebAssembly = false): LayerContext {
  const traits = { ...cpuTraits, arena: isWebAssembly ? 'webassembly' : 'plain' } as const;
  return { memory: new WorkingSet(arena), traits, cacheUse: null, gram: null };
}

/** A layer to plan calls of; `arena` counts its weights, real ones or not, as kernels of average panels pack them. */
export function packForPlanning(weights: ResolvedWeights, arena: Arena): PackedLayer {
  return packLayer(weights, panelColumns, arena).layer;
}
