// What a case computes from, seeded and the same for every engine, and what its calls are asked.
import type { AttentionOptions } from '../../attention/options.js';
import type { LinearWeights, MultiHeadWeights } from '../../attention/weights.js';
import { createTensor, type TensorLike } from '../../core/tensor/tensor.js';
import type { CaseShape } from '../grid/results.js';
import { fillRepeating, normalTensor, store } from './inputs.js';
import { optionCases, scoreBytes, type OptionShape } from './options.js';

export interface AttentionOperands {
  readonly mode: 'attention';
  readonly q: TensorLike; // [batch, heads, tokens, headDim]
  readonly k: TensorLike; // [batch, kvHeads, tokens, headDim]
  readonly v: TensorLike; // like k
}

export interface LayerOperands {
  readonly mode: 'layer' | 'decode';
  /** [batch, tokens, modelDim]; of mode decode with the token after those that are cached. */
  readonly x: TensorLike;
  readonly weights: MultiHeadWeights;
}

export type Operands = AttentionOperands | LayerOperands;

export function drawOperands(shape: CaseShape): Operands {
  const { mode, batch, heads, kvHeads, tokens, headDim, modelDim, dtype } = shape;
  if (mode === 'attention') {
    const draw = (count: number, seed: number): TensorLike =>
      store(normalTensor([batch, count, tokens, headDim], seed), dtype);
    return { mode, q: draw(heads, 1), k: draw(kvHeads, 2), v: draw(kvHeads, 3) };
  }
  const rows = normalTensor([batch, keysOf(shape), modelDim], 6);
  // Of mode decode it is the cache that has the dtype.
  return { mode, x: mode === 'decode' ? rows : store(rows, dtype), weights: drawWeights(shape) };
}

/** Within Xavier's bounds (Glorot & Bengio, 2010), with biases that aren't 0, so that a forgotten one shows. */
export function drawWeights({
  modelDim,
  heads,
  kvHeads,
  headDim,
}: Pick<CaseShape, 'modelDim' | 'heads' | 'kvHeads' | 'headDim'>): MultiHeadWeights {
  const linear = (outputs: number, inputs: number, seed: number): LinearWeights => {
    const weight = createTensor([outputs, inputs]);
    const bound = Math.sqrt(6 / (inputs + outputs));
    fillRepeating(weight.data, seed, (random) => (2 * random.uniform() - 1) * bound);
    return { weight, bias: normalTensor([outputs], seed + 1) };
  };
  return {
    query: linear(heads * headDim, modelDim, 10),
    key: linear(kvHeads * headDim, modelDim, 12),
    value: linear(kvHeads * headDim, modelDim, 14),
    output: linear(modelDim, heads * headDim, 16),
  };
}

/** Of each sequence. */
export function keysOf({ mode, tokens }: CaseShape): number {
  return mode === 'decode' ? tokens + 1 : tokens;
}

/** The options of a timed call. */
export function optionsOf(shape: CaseShape): AttentionOptions {
  const { mode, causal, window, options } = shape;
  return {
    // Where keys are padded it must be said; a cache says it itself.
    ...(mode !== 'decode' && { alignment: 'top-left' }),
    ...(causal && { causal }),
    ...(window !== null && { window: { left: window } }),
    ...optionCases[options](optionShapeOf(shape)),
  };
}

/** The same without tensors as large as the scores: what units and FLOP depend on. */
export function planningOptionsOf(shape: CaseShape): AttentionOptions {
  return optionsOf(scoreBytes[shape.options] === undefined ? shape : { ...shape, options: 'none' });
}

export function optionShapeOf(shape: CaseShape): OptionShape {
  const { mode, batch, heads, tokens, headDim } = shape;
  return { batch, heads, queries: mode === 'decode' ? 1 : tokens, keys: keysOf(shape), headDim };
}
