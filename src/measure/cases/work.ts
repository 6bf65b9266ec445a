// What a case computes and reads, in closed form: floating-point operations, bytes, and the rows that it makes.
import { cpuTraits } from '../../core/protocol/kernels.js';
import { bytesPerElement } from '../../core/tensor/dtype.js';
import type { CaseShape } from '../grid/results.js';
import { keysOf, planningOptionsOf } from './operands.js';

/** Pairs of a query and a key that it attends by its place, of one head of one sequence. */
export function attendedPairs(shape: CaseShape): number {
  const { window: { left = Infinity, right = Infinity } = {}, keyLengths } = planningOptionsOf(shape);
  const { mode, tokens, causal } = shape;
  if (mode === 'decode') return Math.min(tokens, left) + 1;
  const keys = keyLengths?.[0] ?? tokens;
  const last = keys - 1 - (causal ? 0 : right);
  const tooLate = triangle(last) - triangle(last - tokens);
  const tooEarly = triangle(tokens - 1 - left) - triangle(tokens - 1 - left - keys);
  return tokens * keys - tooLate - tooEarly;
}

/** 1 + 2 + … + n; 0 where there is nothing to sum. */
function triangle(n: number): number {
  return n > 0 ? (n * (n + 1)) / 2 : 0;
}

/** Tokens that a call makes an output for. */
export function tokensOfCall({ mode, tokens, batch }: CaseShape): number {
  return mode === 'decode' ? batch : batch * tokens;
}

/** Numbers of the four projections' weights, biases included. */
export function weightCount({ mode, modelDim, heads, kvHeads, headDim }: CaseShape): number {
  if (mode === 'attention') return 0;
  const inner = (2 * heads + 2 * kvHeads) * headDim;
  return inner * modelDim + (heads + 2 * kvHeads) * headDim + modelDim;
}

/** Of a call, 2 a multiply-add. */
export function flopOf(shape: CaseShape): number {
  return projectionFlop(shape) + attentionFlop(shape);
}

/** Of the products with weights. */
export function projectionFlop(shape: CaseShape): number {
  const { mode, modelDim, heads, headDim } = shape;
  if (mode === 'attention') return 0;
  const living = livingHeads(shape);
  const columns = (living.heads + 2 * living.kvHeads + heads) * headDim;
  return 2 * tokensOfCall(shape) * modelDim * columns;
}

/** Of q·kᵀ and p·v of the pairs that are attended. */
export function attentionFlop(shape: CaseShape): number {
  // One query attends with all heads together.
  const { heads } = shape.mode === 'decode' ? shape : livingHeads(shape);
  return 4 * shape.batch * heads * shape.headDim * attendedPairs(shape);
}

/** Those that are computed: a factor of 0 switches a head off, and keys that no head reads; caches keep all. */
function livingHeads(shape: CaseShape): { readonly heads: number; readonly kvHeads: number } {
  const { mode, heads, kvHeads } = shape;
  const { headScale } = planningOptionsOf(shape);
  if (headScale === undefined) return { heads, kvHeads };
  const living = [...Array(heads).keys()].filter((head) => headScale[head] !== 0);
  const read = new Set(living.map((head) => Math.floor((head * kvHeads) / heads)));
  return { heads: living.length, kvHeads: mode === 'decode' ? kvHeads : read.size };
}

/** What a call of mode decode reads: weights once, and the keys and values that it attends; 0 in the other modes. */
export function bytesRead(shape: CaseShape): number {
  const { mode, kvHeads, headDim, batch, dtype } = shape;
  if (mode !== 'decode') return 0;
  const cached = 2 * batch * kvHeads * headDim * attendedPairs(shape) * bytesPerElement[dtype];
  return cached + 4 * weightCount(shape);
}

/** Numbers of the inputs of a case; in mode decode, of the tokens that the cache is filled with. */
export function inputCount(shape: CaseShape): number {
  const { mode, modelDim, heads, kvHeads, headDim, tokens, batch } = shape;
  if (mode === 'attention') return batch * tokens * (heads + 2 * kvHeads) * headDim;
  return batch * modelDim * keysOf(shape);
}

/** Numbers of the output of a call. */
export function outputCount(shape: CaseShape): number {
  return tokensOfCall(shape) * shape.modelDim;
}

/** About so many units is a call cut into, if it isn't decoding. */
export function unitsOf({ batch, tokens, kvHeads }: CaseShape): number {
  return batch * Math.ceil(tokens / cpuTraits.unitRows) * kvHeads;
}

// Of all sequences together: more tokens at a time take memory and are no faster.
const mostFillRows = 4096;

/** Tokens of each sequence that a call fills a cache with. */
export function fillTokens({ tokens, batch }: CaseShape): number {
  return Math.min(tokens, Math.max(1, Math.floor(mostFillRows / batch)));
}
