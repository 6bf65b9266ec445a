// A tensor: a shape over float32 numbers in shared memory that any thread can read in place.
import { expected } from '../errors.js';
import type { Dtype } from './dtype.js';
import { elementCount, formatShape, isShape, type Shape } from './shape.js';

/** Float32 numbers in row-major order on a SharedArrayBuffer that the garbage collector frees. */
export interface Tensor {
  readonly shape: Shape;
  readonly data: Float32Array<SharedArrayBuffer>;
}

/** What calls accept: a `Tensor`, any Float32Array with its shape, or F16/BF16 bits in a Uint16Array. */
export interface TensorLike {
  readonly shape: Shape;
  readonly data: Float32Array | Uint16Array;
  /** How `data` is stored; a Uint16Array must say so, a Float32Array is 'f32'. */
  readonly dtype?: Dtype;
}

/**
 * A new tensor of `shape`, zeros or a copy of `data`.
 * @throws INVALID_SHAPE if `shape` is no list of lengths or `data` has another count of numbers.
 */
export function createTensor(shape: Shape, data?: ArrayLike<number>): Tensor {
  if (!isShape(shape)) throw expected('INVALID_SHAPE', 'a list of integers >= 0', 'shape', shape);
  const count = elementCount(shape);
  if (data !== undefined && data.length !== count) {
    throw expected('INVALID_SHAPE', `${count} numbers for shape ${formatShape(shape)}`, 'data', data);
  }
  const tensor = {
    shape: Object.freeze([...shape]),
    data: new Float32Array(new SharedArrayBuffer(count * 4)),
  };
  if (data !== undefined) tensor.data.set(data);
  return Object.freeze(tensor);
}
