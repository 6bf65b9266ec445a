// A tensor: a shape over float32 numbers in shared memory that any thread can read in place.
import { expected } from '../errors.js';
import type { Dtype } from './dtype.js';
import { viewFloats } from './own-view.js';
import { elementCount, formatShape, readShape, type Shape } from './shape.js';
import { allocateShared } from './shared-memory.js';

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
 * @throws INVALID_SHAPE if `shape` is no list of lengths or `data` has another count of numbers; MEMORY_LIMIT
 */
export function createTensor(given: Shape, data?: ArrayLike<number>): Tensor {
  const shape = readShape(given);
  if (shape === undefined) throw expected('INVALID_SHAPE', 'a list of integers >= 0', 'shape', given);
  const count = elementCount(shape);
  if (data !== undefined && (data as ArrayLike<number> | null)?.length !== count) {
    throw expected('INVALID_SHAPE', `${count} numbers for shape ${formatShape(shape)}`, 'data', data);
  }
  const numbers = new Float32Array(allocateShared(count * 4));
  if (ArrayBuffer.isView(data)) numbers.set(viewFloats(data) ?? data);
  else if (data !== undefined) for (let n = 0; n < count; n++) numbers[n] = data[n]!;
  return Object.freeze({ shape: Object.freeze(shape), data: numbers });
}
