// What memory a case takes, without computing it: inputs and weights by their lengths, working memory by the engine's
// own planning on an arena that only counts.
import { denseBatch } from '../../attention/batch.js';
import { pagesFor } from '../../attention/page-table.js';
import type { Heads } from '../../core/protocol/layout.js';
import { resolveOptions } from '../../attention/resolve-options.js';
import { assembleAlone } from '../../engine/assemble/assemble-alone.js';
import { assembleLayer } from '../../engine/assemble/assemble-layer.js';
import { PageStorage } from '../../engine/page-storage.js';
import {
  packForPlanning,
  planningContext,
  standIn,
  standInWeights,
} from '../../engine/assemble/dry-assembly.js';
import { createCountingArena, type Arena } from '../../core/tensor/arena.js';
import { bytesPerElement } from '../../core/tensor/dtype.js';
import { pageTokens } from '../../core/protocol/layout.js';
import type { BenchCase } from './results.js';
import { fillTokens, inputCount, outputCount, weightCount } from './work.js';

/** Inputs, weights as they are, and outputs: the current one and one that nobody has collected yet. */
export function outsideBytes(benchCase: BenchCase): number {
  const { dtype, mode } = benchCase;
  // Inputs of 16 bits are widened by each call; mode decode stores its cache so, not its inputs.
  const inputBytes = dtype === 'f32' || mode === 'decode' ? 4 : bytesPerElement[dtype] + 2 * 4;
  return inputCount(benchCase) * inputBytes + 4 * weightCount(benchCase) + 2 * 4 * outputCount(benchCase);
}

/** Packed weights, cache and working memory of a call. It takes time and memory itself: a row a unit of the plan. */
export function engineBytes(benchCase: BenchCase): number {
  const arena = createCountingArena();
  if (benchCase.mode === 'attention') countAttention(benchCase, arena);
  else countLayer(benchCase, arena);
  return arena.bytesInUse;
}

function countAttention(benchCase: BenchCase, arena: Arena): void {
  assembleAlone(
    {
      ...resolve(benchCase, benchCase.tokens),
      heads: headsOf(benchCase),
      query: standIn(),
      key: standIn(),
      value: standIn(),
      outputShape: [],
      isBatchMajor: true,
    },
    planningContext(arena, benchCase.kernel === 'wasm'),
  );
}

function countLayer(benchCase: BenchCase, arena: Arena): void {
  const { mode, tokens, batch, dtype, modelDim } = benchCase;
  const layer = packForPlanning(standInWeights(modelDim, headsOf(benchCase)), arena);
  if (mode === 'decode') {
    const pages = pagesFor({ maxTokens: tokens + 1, batch, rolling: false, pageTokens });
    new PageStorage(headsOf(benchCase), pages, dtype, arena);
  }
  const x = standIn();
  // Filling a cache takes more than the one token behind it.
  const call = resolve(benchCase, mode === 'decode' ? fillTokens(benchCase) : tokens);
  assembleLayer(layer, { query: x, key: x, value: x, outputShape: [], ...call }, planningContext(arena));
}

function resolve(benchCase: BenchCase, tokens: number) {
  const lengths = { keyLengths: undefined, offsets: undefined, keyOffsets: undefined };
  const batch = denseBatch(benchCase.batch, tokens, tokens, lengths);
  const { mode, window } = benchCase;
  const causal = benchCase.causal || mode === 'decode';
  const given = { causal, ...(window !== null && { window: { left: window } }) };
  const options = { ...resolveOptions(given, headsOf(benchCase), batch, []), out: standIn() };
  return { batch, options };
}

function headsOf({ heads, kvHeads, headDim }: BenchCase): Heads {
  return { heads, kvHeads, headDim, valueDim: headDim };
}
