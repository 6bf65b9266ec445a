// A work as a layer on an engine, on seeded numbers: the same for every engine, so that outputs can be compared.
import type { MultiHeadAttention } from '../../engine/multi-head-attention.js';
import type { MultiHeadWeights } from '../../attention/weights.js';
import type { Engine } from '../../engine/engine.js';
import { createRandom } from '../../core/tensor/random.js';
import { createTensor, type Tensor } from '../../core/tensor/tensor.js';
import type { ScalingWork } from './results.js';

/** The operands of a work, in shared memory; engines read them in place. */
export interface WorkOperands {
  readonly work: ScalingWork;
  readonly x: Tensor; // [batch, tokens, modelDim]
  readonly weights: MultiHeadWeights;
}

// A prime: repeated with this period, rows of any usual width differ. Drawing every number of the largest layers would
// take longer than measuring them.
const period = 65_521;

export function createOperands(work: ScalingWork): WorkOperands {
  const { modelDim, tokens, batch } = work;
  const bound = Math.sqrt(3 / modelDim);
  const linear = (seed: number) => ({
    weight: uniformTensor([modelDim, modelDim], seed, bound),
    // Not 0, so that a forgotten bias shows.
    bias: uniformTensor([modelDim], seed + 1, 0.5),
  });
  return {
    work,
    x: uniformTensor([batch, tokens, modelDim], 1, Math.sqrt(3)),
    weights: { query: linear(2), key: linear(4), value: linear(6), output: linear(8) },
  };
}

function uniformTensor(shape: readonly number[], seed: number, bound: number): Tensor {
  const tensor = createTensor(shape);
  const { data } = tensor;
  const random = createRandom(seed);
  const drawn = Math.min(period, data.length);
  for (let n = 0; n < drawn; n++) data[n] = (2 * random.uniform() - 1) * bound;
  for (let start = drawn; start < data.length; start += period) {
    data.set(data.subarray(0, Math.min(period, data.length - start)), start);
  }
  return tensor;
}

/** One work that an engine computes as often as asked. Dispose it to give its weights' memory back. */
export interface WorkLayer extends Disposable {
  readonly run: () => Promise<Tensor>;
}

/** @throws MEMORY_LIMIT, WORKER_LOST, UNIT_FAILED, ENGINE_CLOSED */
export async function openWorkLayer(
  engine: Pick<Engine, 'multiHeadAttention'>,
  { work, x, weights }: WorkOperands,
): Promise<WorkLayer> {
  const layer: MultiHeadAttention = await engine.multiHeadAttention({ heads: work.heads, weights });
  return {
    run: async () => (await layer.forward(x)).output,
    [Symbol.dispose]: () => {
      layer.dispose();
    },
  };
}
