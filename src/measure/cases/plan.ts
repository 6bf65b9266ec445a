// What the engine's planner makes of a case, without computing it: the units of its phases in the order in which workers
// take them, and the memory of a call, through the real assembly on an arena that only counts.
import { denseBatch } from '../../attention/batch.js';
import { pagesFor } from '../../attention/page-table.js';
import { resolveOptions } from '../../attention/resolve-options.js';
import { assembleAlone } from '../../engine/assemble/assemble-alone.js';
import { assembleLayer, type LayerContext } from '../../engine/assemble/assemble-layer.js';
import type { Assembly, PlannedPhase } from '../../engine/assemble/assembly.js';
import {
  packForPlanning,
  planningContext,
  standIn,
  standInWeights,
} from '../../engine/assemble/dry-assembly.js';
import { PageStorage } from '../../engine/page-storage.js';
import { createCountingArena, type Arena } from '../../core/tensor/arena.js';
import { bytesPerElement } from '../../core/tensor/dtype.js';
import { pageTokens, type Heads } from '../../core/protocol/layout.js';
import type { CaseShape } from '../grid/results.js';
import { optionShapeOf, planningOptionsOf } from './operands.js';
import { scoreBytes } from './options.js';
import { fillTokens, inputCount, outputCount, weightCount } from './work.js';

export interface PlannedCase {
  /** Those that have units. */
  readonly phases: readonly PlannedPhase[];
  /** Packed weights, cache and working memory of a call. */
  readonly engineBytes: number;
}

/** Inputs, weights as they are, and outputs: the current one and one that nobody has collected yet. */
export function outsideBytes(shape: CaseShape): number {
  const { dtype, mode, options } = shape;
  // Inputs of 16 bits are widened by each call; mode decode stores its cache so, not its inputs.
  const inputBytes = dtype === 'f32' || mode === 'decode' ? 4 : bytesPerElement[dtype] + 2 * 4;
  const ofScores = 2 * (scoreBytes[options]?.(optionShapeOf(shape)) ?? 0);
  return inputCount(shape) * inputBytes + 4 * weightCount(shape) + 2 * 4 * outputCount(shape) + ofScores;
}

/** It takes time and memory itself: a row a unit of the plan. */
export function planCase(shape: CaseShape, isWebAssembly = false): PlannedCase {
  const arena = createCountingArena();
  const context = planningContext(arena, isWebAssembly);
  const { phases } =
    shape.mode === 'attention' ? planAttention(shape, context) : planLayer(shape, arena, context);
  return { phases: phases.filter(({ unitCount }) => unitCount > 0), engineBytes: arena.bytesInUse };
}

function planAttention(shape: CaseShape, context: LayerContext): Assembly {
  const operands = {
    query: standIn(),
    key: standIn(),
    value: standIn(),
    outputShape: [],
    isBatchMajor: true,
  };
  return assembleAlone({ ...operands, heads: headsOf(shape), ...resolve(shape, shape.tokens) }, context);
}

function planLayer(shape: CaseShape, arena: Arena, context: LayerContext): Assembly {
  const { mode, tokens, batch, dtype, modelDim } = shape;
  const layer = packForPlanning(standInWeights(modelDim, headsOf(shape)), arena);
  if (mode === 'decode') {
    const pages = pagesFor({ maxTokens: tokens + 1, batch, rolling: false, pageTokens });
    new PageStorage(headsOf(shape), pages, dtype, arena);
  }
  const x = standIn();
  // Filling a cache takes more than the one token after it.
  const call = resolve(shape, mode === 'decode' ? fillTokens(shape) : tokens);
  return assembleLayer(layer, { query: x, key: x, value: x, outputShape: [], ...call }, context);
}

function resolve(shape: CaseShape, tokens: number) {
  const isDecode = shape.mode === 'decode';
  const asked = isDecode ? { causal: true } : planningOptionsOf(shape);
  const lengths = { keyLengths: asked.keyLengths, offsets: undefined, keyOffsets: undefined };
  const batch = denseBatch(shape.batch, tokens, tokens, lengths);
  return { batch, options: { ...resolveOptions(asked, headsOf(shape), batch, []), out: standIn() } };
}

function headsOf({ heads, kvHeads, headDim }: CaseShape): Heads {
  return { heads, kvHeads, headDim, valueDim: headDim };
}
