// What a case computes and reads, in closed form: floating-point operations, bytes, and the rows that it makes.
import { cpuTraits } from '../../core/protocol/kernels.js';
import { bytesPerElement } from '../../core/tensor/dtype.js';
import type { BenchCase } from './results.js';

/** Pairs of a query and a key that it attends, of one head of one sequence. */
export function attendedPairs({ mode, tokens, causal, window }: BenchCase): number {
  if (mode === 'decode') return Math.min(tokens, window ?? tokens) + 1;
  const all = causal ? (tokens * (tokens + 1)) / 2 : tokens ** 2;
  const outside = window === null ? 0 : Math.max(0, tokens - 1 - window);
  return all - (outside * (outside + 1)) / 2;
}

/** Tokens that a call makes an output for. */
export function tokensOfCall({ mode, tokens, batch }: BenchCase): number {
  return mode === 'decode' ? batch : batch * tokens;
}

/** Numbers of the four projections' weights, biases included. */
export function weightCount({ mode, modelDim, heads, kvHeads, headDim }: BenchCase): number {
  if (mode === 'attention') return 0;
  const inner = (2 * heads + 2 * kvHeads) * headDim;
  return inner * modelDim + (heads + 2 * kvHeads) * headDim + modelDim;
}

/** Of a call, 2 a multiply-add. */
export function flopOf(benchCase: BenchCase): number {
  return projectionFlop(benchCase) + attentionFlop(benchCase);
}

/** Of the products with weights. */
export function projectionFlop(benchCase: BenchCase): number {
  const { mode, modelDim, heads, kvHeads, headDim } = benchCase;
  return mode === 'attention' ? 0 : 4 * tokensOfCall(benchCase) * modelDim * (heads + kvHeads) * headDim;
}

/** Of q·kᵀ and p·v of the pairs that are attended. */
export function attentionFlop(benchCase: BenchCase): number {
  const { heads, headDim, batch } = benchCase;
  return 4 * batch * heads * headDim * attendedPairs(benchCase);
}

/** What a call of mode decode reads: weights once, and the keys and values that it attends; 0 in the other modes. */
export function bytesRead(benchCase: BenchCase): number {
  const { mode, kvHeads, headDim, batch, dtype } = benchCase;
  if (mode !== 'decode') return 0;
  const cached = 2 * batch * kvHeads * headDim * attendedPairs(benchCase) * bytesPerElement[dtype];
  return cached + 4 * weightCount(benchCase);
}

/** Numbers of the inputs of a case; in mode decode, of the tokens that the cache is filled with. */
export function inputCount({ mode, modelDim, heads, kvHeads, headDim, tokens, batch }: BenchCase): number {
  if (mode === 'attention') return batch * tokens * (heads + 2 * kvHeads) * headDim;
  return batch * modelDim * (mode === 'decode' ? tokens + 1 : tokens);
}

/** Numbers of the output of a call. */
export function outputCount(benchCase: BenchCase): number {
  return tokensOfCall(benchCase) * benchCase.modelDim;
}

/** About so many units is a call cut into, if it isn't decoding. */
export function unitsOf({ batch, tokens, kvHeads }: BenchCase): number {
  return batch * Math.ceil(tokens / cpuTraits.unitRows) * kvHeads;
}

// Of all sequences together: more tokens at a time take memory and are no faster.
const mostFillRows = 4096;

/** Tokens of each sequence that a call fills a cache with. */
export function fillTokens({ tokens, batch }: BenchCase): number {
  return Math.min(tokens, Math.max(1, Math.floor(mostFillRows / batch)));
}
