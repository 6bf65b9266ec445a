// What the engine's planner makes of a case, without computing it: the units of its phases in the order in which workers
// take them, and the memory of a call, through the real assembly on an arena that only counts.
import { denseBatch } from '../../attention/batch.js';
import { pagesFor } from '../../attention/page-table.js';
import type { Heads } from '../../attention/problem.js';
import { resolveOptions } from '../../attention/resolve-options.js';
import { assembleAlone } from '../../engine/assemble-attention.js';
import { assembleLayer } from '../../engine/assemble-layer.js';
import type { PlannedPhase } from '../../engine/assembly.js';
import { batchMajor } from '../../engine/layout.js';
import { PageStorage } from '../../engine/page-storage.js';
import { packForPlanning, standIn, standInWeights } from '../../engine/stand-ins.js';
import { WorkingSet } from '../../engine/working-set.js';
import { createCountingArena, type Arena } from '../../core/tensor/arena.js';
import { bytesPerElement } from '../../core/tensor/dtype.js';
import { regionOf } from '../../core/tensor/region.js';
import { pageTokens } from '../../core/protocol/layout.js';
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

/**
 * It takes time and memory itself: a row a unit of the plan.
 * @param needsArena whether the kernel reads only working memory of the arena
 */
export function planCase(shape: CaseShape, needsArena = false): PlannedCase {
  const arena = createCountingArena();
  const phases =
    shape.mode === 'attention' ? planAttention(shape, needsArena, arena) : planLayer(shape, arena);
  return { phases: phases.filter(({ unitCount }) => unitCount > 0), engineBytes: arena.bytesInUse };
}

function planAttention(shape: CaseShape, needsArena: boolean, arena: Arena): readonly PlannedPhase[] {
  const { tokens, heads, kvHeads, headDim } = shape;
  const layOut = (count: number): ReturnType<typeof batchMajor> =>
    batchMajor(regionOf(standIn().data), count, tokens, headDim);
  const output = layOut(heads);
  const operands = {
    ...resolve(shape, tokens),
    heads: headsOf(shape),
    query: layOut(heads),
    key: layOut(kvHeads),
    value: layOut(kvHeads),
    outputShape: [],
    layOutOutput: () => output,
    needsArena,
  };
  return assembleAlone(operands, new WorkingSet(arena)).phases;
}

function planLayer(shape: CaseShape, arena: Arena): readonly PlannedPhase[] {
  const { mode, tokens, batch, dtype, modelDim } = shape;
  const layer = packForPlanning(standInWeights(modelDim, headsOf(shape)), arena);
  if (mode === 'decode') {
    const pages = pagesFor({ maxTokens: tokens + 1, batch, rolling: false, pageTokens });
    new PageStorage(headsOf(shape), pages, dtype, arena);
  }
  const x = standIn();
  // Filling a cache takes more than the one token after it.
  const call = resolve(shape, mode === 'decode' ? fillTokens(shape) : tokens);
  const operands = { query: x, key: x, value: x, outputShape: [], ...call };
  return assembleLayer(layer, operands, new WorkingSet(arena)).phases;
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
