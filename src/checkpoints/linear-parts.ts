// Linear layers from tensors as families store them: by two names, side by side, by head, or transposed.
import type { LinearWeights } from '../attention/weights.js';
import { createTensor, type Tensor, type TensorLike } from '../core/tensor/tensor.js';
import type { Tensors } from './family.js';

/** `NAME.weight`, and `NAME.bias` where there is one. */
export function linearNamed(tensors: Tensors, name: string): LinearWeights {
  return linear(tensors.get(`${name}.weight`)!, tensors.get(`${name}.bias`));
}

export function linear(weight: TensorLike, bias: TensorLike | undefined): LinearWeights {
  return bias === undefined ? { weight } : { weight, bias };
}

/** [in, out] as [out, in]. */
export function transpose({ shape, data }: Tensor): Tensor {
  const [rows, columns] = shape as readonly [number, number];
  const turned = createTensor([columns, rows]);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned.data[column * rows + row] = data[row * columns + column]!;
    }
  }
  return turned;
}

/** Parts along the first axis, in place. */
export function splitRows({ shape, data }: Tensor, counts: readonly number[]): Tensor[] {
  const [, ...rest] = shape;
  const width = rest.reduce((product, length) => product * length, 1);
  let start = 0;
  return counts.map((count) => {
    const begin = start;
    start += count;
    return { shape: [count, ...rest], data: data.subarray(begin * width, start * width) };
  });
}

/** Rows packed (heads, parts, headDim) as `parts` tensors of rows (heads, headDim). */
export function unpackByHead({ shape, data }: Tensor, heads: number, parts: number): Tensor[] {
  const [rows, ...rest] = shape as readonly [number, ...number[]];
  const block = data.length / heads / parts;
  return Array.from({ length: parts }, (_, part) => {
    const tensor = createTensor([rows / parts, ...rest]);
    for (let head = 0; head < heads; head++) {
      const start = (head * parts + part) * block;
      tensor.data.set(data.subarray(start, start + block), head * block);
    }
    return tensor;
  });
}
