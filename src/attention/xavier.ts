// Seeded initial weights for experiments and tests.
import { expected } from '../core/errors.js';
import { createRandom, type Random } from '../core/tensor/random.js';
import { createTensor, type Tensor } from '../core/tensor/tensor.js';
import type { MultiHeadWeights } from './weights.js';

export interface XavierOptions {
  readonly modelDim: number;
  readonly heads: number;
  /** Default `heads`. */
  readonly kvHeads?: number;
  /** Default modelDim / heads. */
  readonly headDim?: number;
  /** 0 … 2³² - 1; default 0. The same seed gives the same weights on every machine. */
  readonly seed?: number;
}

/**
 * Weights drawn uniformly from ±√(6 / (in + out)) (Glorot & Bengio, 2010), biases 0.
 * @throws INVALID_OPTION for lengths that are no integers >= 1 or heads that don't divide modelDim
 */
export function createXavierWeights(options: XavierOptions): MultiHeadWeights {
  if (typeof options !== 'object' || (options as unknown) === null) {
    throw expected('INVALID_OPTION', 'an object { modelDim, heads, … }', 'options', options);
  }
  const { modelDim, heads, kvHeads = heads, headDim: givenDim, seed = 0 } = options;
  const lengths = {
    modelDim,
    heads,
    kvHeads,
    ...(givenDim !== undefined && { headDim: givenDim }),
  };
  for (const [name, value] of Object.entries(lengths)) {
    if (!Number.isInteger(value) || value < 1)
      throw expected('INVALID_OPTION', 'an integer >= 1', name, value);
  }
  if (givenDim === undefined && modelDim % heads !== 0) {
    throw expected('INVALID_OPTION', `a divisor of modelDim (${modelDim})`, 'heads', heads);
  }
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw expected('INVALID_OPTION', 'an integer from 0 to 2^32 - 1', 'seed', seed);
  }
  const headDim = givenDim ?? modelDim / heads;
  const random = createRandom(seed);
  const linear = (outputs: number, inputs: number) => ({
    weight: drawWeight(random, outputs, inputs),
    bias: createTensor([outputs]),
  });
  return {
    query: linear(heads * headDim, modelDim),
    key: linear(kvHeads * headDim, modelDim),
    value: linear(kvHeads * headDim, modelDim),
    output: linear(modelDim, heads * headDim),
  };
}

function drawWeight(random: Random, outputs: number, inputs: number): Tensor {
  const bound = Math.sqrt(6 / (inputs + outputs));
  const weight = createTensor([outputs, inputs]);
  for (let n = 0; n < weight.data.length; n++) weight.data[n] = (2 * random.uniform() - 1) * bound;
  return weight;
}
