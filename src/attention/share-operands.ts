// Brings what callers pass into shared memory: in place where it lies there already, else copied in once.
import { expected } from '../core/errors.js';
import { decodeInto } from '../core/tensor/dtype.js';
import { elementCount, formatShape, isShape, type Shape } from '../core/tensor/shape.js';
import type { TensorLike } from '../core/tensor/tensor.js';

export interface SharedFloats {
  readonly shape: Shape;
  readonly data: Float32Array<SharedArrayBuffer>;
}

/**
 * A checked tensor as float32 in shared memory.
 * @throws INVALID_SHAPE if it is no tensor, its length is not that of its shape, or its storage is gone or unnamed.
 */
export function shareFloats(name: string, tensor: unknown): SharedFloats {
  const { shape, data, dtype } = checkTensor(name, tensor);
  if (data instanceof Float32Array && data.buffer instanceof SharedArrayBuffer) {
    return { shape, data: data as Float32Array<SharedArrayBuffer> };
  }
  const shared = new Float32Array(new SharedArrayBuffer(data.length * 4));
  decodeInto(shared, data, dtype ?? 'f32');
  return { shape, data: shared };
}

/** A boolean mask: true or a non-zero byte = attend. */
export interface MaskLike {
  readonly shape: Shape;
  readonly data: Uint8Array | readonly boolean[];
}

/** A checked mask as bytes in shared memory. @throws INVALID_SHAPE */
export function shareMask(
  name: string,
  mask: MaskLike,
): { readonly shape: Shape; readonly data: Uint8Array<SharedArrayBuffer> } {
  if (typeof mask !== 'object' || (mask as unknown) === null) {
    throw expected('INVALID_SHAPE', 'a mask { shape, data }', name, mask);
  }
  const { shape, data } = mask as Partial<MaskLike>;
  const isBytes = data instanceof Uint8Array;
  if (!isBytes && !(Array.isArray(data) && data.findIndex((value) => typeof value !== 'boolean') < 0)) {
    throw expected('INVALID_SHAPE', 'a Uint8Array or a list of booleans', `${name}.data`, data);
  }
  checkLength(name, shape, data.length);
  if (isBytes && data.buffer instanceof SharedArrayBuffer) {
    return { shape, data: data as Uint8Array<SharedArrayBuffer> };
  }
  const shared = new Uint8Array(new SharedArrayBuffer(data.length));
  shared.set(data as ArrayLike<number>);
  return { shape, data: shared };
}

/** What the numbers of a list may be, as float32. */
const ranges = {
  finite: { what: 'a finite float32 number', has: Number.isFinite },
  'below Infinity': { what: 'a float32 number below Infinity', has: (value: number) => value < Infinity },
} as const;

interface NumberList {
  readonly count: number;
  /** What each of them belongs to, for the message. */
  readonly which: string;
  readonly range: keyof typeof ranges;
}

/** A list of numbers as float32 in shared memory. @throws INVALID_OPTION if it is another list than told */
export function shareNumbers(
  name: string,
  numbers: ArrayLike<number>,
  { count, which, range }: NumberList,
): Float32Array<SharedArrayBuffer> {
  const isList = Array.isArray(numbers) || (ArrayBuffer.isView(numbers) && 'length' in numbers);
  if (!isList || numbers.length !== count) {
    throw expected('INVALID_OPTION', `a list of ${count} numbers, one ${which},`, name, numbers);
  }
  const { what, has } = ranges[range];
  const shared = new Float32Array(new SharedArrayBuffer(count * 4));
  for (let n = 0; n < count; n++) {
    const value: unknown = numbers[n];
    shared[n] = typeof value === 'number' ? value : NaN;
    if (!has(shared[n]!)) throw expected('INVALID_OPTION', what, `${name}[${n}]`, value);
  }
  return shared;
}

function checkTensor(name: string, tensor: unknown): TensorLike {
  if (typeof tensor !== 'object' || tensor === null) {
    throw expected('INVALID_SHAPE', 'a tensor { shape, data }', name, tensor);
  }
  const { shape, data, dtype } = tensor as Partial<TensorLike>;
  if (!(data instanceof Float32Array) && !(data instanceof Uint16Array)) {
    throw expected('INVALID_SHAPE', 'a Float32Array or a Uint16Array', `${name}.data`, data);
  }
  if (data instanceof Uint16Array ? dtype !== 'f16' && dtype !== 'bf16' : (dtype ?? 'f32') !== 'f32') {
    const what =
      data instanceof Uint16Array ? "'f16' or 'bf16' for a Uint16Array" : "'f32' for a Float32Array";
    throw expected('INVALID_SHAPE', what, `${name}.dtype`, dtype);
  }
  checkLength(name, shape, data.length);
  return tensor as TensorLike;
}

function checkLength(name: string, shape: unknown, length: number): asserts shape is Shape {
  if (!isShape(shape)) throw expected('INVALID_SHAPE', 'a list of integers >= 0', `${name}.shape`, shape);
  if (length === elementCount(shape)) return;
  // A detached or shrunk buffer shows up here too, as a length of 0 or less than the shape's.
  const what = `${elementCount(shape)} elements for shape ${formatShape(shape)}`;
  throw expected('INVALID_SHAPE', what, `${name}.data.length`, length);
}
