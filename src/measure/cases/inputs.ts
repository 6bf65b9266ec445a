// Seeded numbers: the same in every run, drawn in little time.
import { encodeInto, type Dtype } from '../../core/tensor/dtype.js';
import { createRandom, type Random } from '../../core/tensor/random.js';
import { createTensor, type Tensor, type TensorLike } from '../../core/tensor/tensor.js';

/** Standard normal numbers. */
export function normalTensor(shape: readonly number[], seed: number): Tensor {
  const tensor = createTensor(shape);
  fillRepeating(tensor.data, seed, (random) => random.normal());
  return tensor;
}

// A prime: rows of any width start at different places of the numbers that repeat, so no two rows are alike for long.
const drawn = 65_521;

/** The same 65,521 numbers again and again: drawing all of large tensors would take longer than measuring them. */
export function fillRepeating(
  data: Float32Array | Uint8Array,
  seed: number,
  draw: (random: Random) => number,
): void {
  const random = createRandom(seed);
  for (let n = 0; n < Math.min(drawn, data.length); n++) data[n] = draw(random);
  for (let start = drawn; start < data.length; start += drawn) {
    data.set(data.subarray(0, Math.min(drawn, data.length - start)), start);
  }
}

/** The same numbers as `dtype` stores them, in shared memory. */
export function store(tensor: Tensor, dtype: Dtype): TensorLike {
  if (dtype === 'f32') return tensor;
  const data = new Uint16Array(new SharedArrayBuffer(2 * tensor.data.length));
  encodeInto(data, tensor.data, dtype);
  return { shape: tensor.shape, data, dtype };
}
