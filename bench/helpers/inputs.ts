// Seeded inputs: the same numbers in every run and for every contestant.
import { createXavierWeights, type MultiHeadWeights, type Tensor } from '../../src/index.js';
import { createRandom } from '../../src/core/tensor/random.js';
import { createTensor } from '../../src/core/tensor/tensor.js';

export interface LayerCase {
  readonly modelDim: number;
  readonly heads: number;
  readonly tokens: number;
  /** Whether a token attends itself and those before it only; default all. */
  readonly causal?: boolean;
}

/** Standard normal numbers. */
export function randomTensor(shape: readonly number[], seed: number): Tensor {
  const tensor = createTensor(shape);
  const random = createRandom(seed);
  for (let n = 0; n < tensor.data.length; n++) tensor.data[n] = random.normal();
  return tensor;
}

/** Xavier weights with biases that are not 0, so that a forgotten bias shows. */
export function randomWeights({ modelDim, heads }: Pick<LayerCase, 'modelDim' | 'heads'>): MultiHeadWeights {
  const weights = createXavierWeights({ modelDim, heads, seed: 1 });
  const biased = (name: 'query' | 'key' | 'value' | 'output', seed: number) => ({
    weight: weights[name].weight,
    bias: randomTensor([modelDim], seed),
  });
  return {
    query: biased('query', 2),
    key: biased('key', 3),
    value: biased('value', 4),
    output: biased('output', 5),
  };
}

/** Four projections and the attention between them: 8·T·d² + 4·T²·d, causal 2·T²·d; a multiply-add counts 2. */
export function layerFlop({ modelDim, tokens, causal = false }: Omit<LayerCase, 'heads'>): number {
  return 8 * tokens * modelDim ** 2 + (causal ? 2 : 4) * tokens ** 2 * modelDim;
}
