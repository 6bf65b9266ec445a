// Seeded operands of the cases: the same numbers in every run, drawn in little time.
import { createXavierWeights } from '../../attention/xavier.js';
import type { MultiHeadWeights } from '../../attention/weights.js';
import { encodeInto, type Dtype } from '../../core/tensor/dtype.js';
import { createRandom } from '../../core/tensor/random.js';
import { createTensor, type Tensor, type TensorLike } from '../../core/tensor/tensor.js';
import type { BenchCase } from './results.js';

// A prime: rows of any width start at different places of the numbers that repeat, so no two rows are alike for long.
const drawn = 65_521;

/** Standard normal numbers, 65,521 of them again and again. */
export function normalTensor(shape: readonly number[], seed: number): Tensor {
  const tensor = createTensor(shape);
  fill(tensor.data, seed);
  return tensor;
}

/** The same numbers as `dtype` stores them, in shared memory. */
export function store(tensor: Tensor, dtype: Dtype): TensorLike {
  if (dtype === 'f32') return tensor;
  const data = new Uint16Array(new SharedArrayBuffer(2 * tensor.data.length));
  encodeInto(data, tensor.data, dtype);
  return { shape: tensor.shape, data, dtype };
}

/** Xavier weights with biases that aren't 0, so that a forgotten one shows. */
export function weightsOf({ modelDim, heads, kvHeads, headDim }: BenchCase): MultiHeadWeights {
  const weights = createXavierWeights({ modelDim, heads, kvHeads, headDim, seed: 1 });
  const linears = [weights.query, weights.key, weights.value, weights.output];
  for (const [n, { bias }] of linears.entries()) {
    if (bias?.data instanceof Float32Array) fill(bias.data, n + 2);
  }
  return weights;
}

function fill(data: Float32Array, seed: number): void {
  const random = createRandom(seed);
  const numbers = Float32Array.from({ length: Math.min(drawn, data.length) }, () => random.normal());
  for (let start = 0; start < data.length; start += drawn) {
    data.set(numbers.subarray(0, data.length - start), start);
  }
}
