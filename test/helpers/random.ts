// Seeded tensors for tests: the same numbers on every machine and in every run.
import { createRandom } from '../../src/core/tensor/random.js';
import { elementCount, type Shape } from '../../src/core/tensor/shape.js';
import { createTensor, type Tensor } from '../../src/core/tensor/tensor.js';

/** Normal numbers with a standard deviation of `spread`. */
export function normalTensor(shape: Shape, seed: number, spread = 1): Tensor {
  const random = createRandom(seed);
  return createTensor(
    shape,
    Float64Array.from({ length: elementCount(shape) }, () => spread * random.normal()),
  );
}

/** Uniform numbers from `least` to `most`. */
export function uniformTensor(shape: Shape, seed: number, least = -1, most = 1): Tensor {
  const random = createRandom(seed);
  const draw = (): number => least + (most - least) * random.uniform();
  return createTensor(shape, Float64Array.from({ length: elementCount(shape) }, draw));
}

/** Bytes that are 1 with probability `share`, else 0. */
export function randomMask(
  shape: Shape,
  seed: number,
  share = 0.6,
): { readonly shape: Shape; readonly data: Uint8Array } {
  const random = createRandom(seed);
  return {
    shape,
    data: Uint8Array.from({ length: elementCount(shape) }, () => (random.uniform() < share ? 1 : 0)),
  };
}
