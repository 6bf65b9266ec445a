// Brings what callers pass into shared memory: in place where it lies there already, else copied in once.
import { expected } from '../core/errors.js';
import { decodeInto, type Dtype } from '../core/tensor/dtype.js';
import { isShared, viewBytes, viewFloats, viewHalves } from '../core/tensor/own-view.js';
import { elementCount, formatShape, readShape, type Shape } from '../core/tensor/shape.js';
import { allocateShared, weigh } from '../core/tensor/shared-memory.js';
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
  const { shape, data, dtype } = readTensor(name, tensor);
  if (isSharedFloats(data)) {
    weigh(data.buffer);
    return { shape, data };
  }
  const shared = new Float32Array(allocateShared(data.length * 4));
  decodeInto(shared, data, dtype);
  return { shape, data: shared };
}

/** The same of a tensor that is to be written, which no copy can stand for. @throws INVALID_SHAPE */
export function takeFloats(name: string, tensor: unknown): SharedFloats {
  const { shape, data } = readTensor(name, tensor);
  if (isSharedFloats(data)) return { shape, data };
  throw expected('INVALID_SHAPE', 'a Float32Array on a SharedArrayBuffer', `${name}.data`, data);
}

function isSharedFloats(data: Float32Array | Uint16Array): data is Float32Array<SharedArrayBuffer> {
  return data instanceof Float32Array && isShared(data);
}

/** Numbers without a shape. */
function isListOfNumbers(value: object): boolean {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

/** A boolean mask: true, 1 or a byte that is not 0 = attend. */
export interface MaskLike {
  readonly shape: Shape;
  readonly data: Uint8Array | readonly (boolean | number)[];
}

/** A checked mask as bytes in shared memory. @throws INVALID_SHAPE */
export function shareMask(
  name: string,
  mask: MaskLike,
): { readonly shape: Shape; readonly data: Uint8Array<SharedArrayBuffer> } {
  if (typeof mask !== 'object' || (mask as unknown) === null || isListOfNumbers(mask)) {
    throw expected('INVALID_SHAPE', 'a mask { shape, data }', name, mask);
  }
  const { shape: givenShape, data } = mask as Partial<MaskLike>;
  const shape = readShape(givenShape);
  const bytes = viewBytes(data);
  if (bytes !== undefined) {
    checkShape(name, shape, givenShape, bytes.length);
    if (isShared(bytes)) return { shape, data: bytes as Uint8Array<SharedArrayBuffer> };
    const shared = new Uint8Array(allocateShared(bytes.length));
    shared.set(bytes);
    return { shape, data: shared };
  }
  const refusal = (): Error =>
    expected('INVALID_SHAPE', 'a Uint8Array or a list of booleans or of 0 and 1', `${name}.data`, data);
  if (!Array.isArray(data)) throw refusal();
  const { length } = data;
  checkShape(name, shape, givenShape, length);
  const shared = new Uint8Array(allocateShared(length));
  for (let n = 0; n < length; n++) {
    const value: unknown = data[n];
    if (typeof value !== 'boolean' && value !== 0 && value !== 1) {
      throw expected('INVALID_SHAPE', 'a boolean, 0 or 1', `${name}.data[${n}]`, value);
    }
    shared[n] = Number(value);
  }
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
  const shared = new Float32Array(allocateShared(count * 4));
  for (let n = 0; n < count; n++) {
    const value: unknown = numbers[n];
    shared[n] = typeof value === 'number' ? value : NaN;
    if (!has(shared[n]!)) throw expected('INVALID_OPTION', what, `${name}[${n}]`, value);
  }
  return shared;
}

interface ReadTensor {
  readonly shape: Shape;
  readonly data: Float32Array | Uint16Array;
  readonly dtype: Dtype;
}

/** A tensor as it is now: its fields and its axes read once, its numbers where they really lie. @throws INVALID_SHAPE */
function readTensor(name: string, tensor: unknown): ReadTensor {
  if (typeof tensor !== 'object' || tensor === null || isListOfNumbers(tensor)) {
    throw expected('INVALID_SHAPE', 'a tensor { shape, data }', name, tensor);
  }
  const { shape: givenShape, data: givenData, dtype } = tensor as Partial<TensorLike>;
  // First of all: reading it may run code of the host, which can resize or detach a buffer.
  const shape = readShape(givenShape);
  const halves = viewHalves(givenData);
  const data = halves ?? viewFloats(givenData);
  if (data === undefined) {
    throw expected('INVALID_SHAPE', 'a Float32Array or a Uint16Array', `${name}.data`, givenData);
  }
  if (halves === undefined ? (dtype ?? 'f32') !== 'f32' : dtype !== 'f16' && dtype !== 'bf16') {
    const what = halves === undefined ? "'f32' for a Float32Array" : "'f16' or 'bf16' for a Uint16Array";
    throw expected('INVALID_SHAPE', what, `${name}.dtype`, dtype);
  }
  checkShape(name, shape, givenShape, data.length);
  return { shape, data, dtype: dtype ?? 'f32' };
}

/** @param shape what was read of `given` @throws INVALID_SHAPE if it is none, or not that of so many elements */
function checkShape(
  name: string,
  shape: Shape | undefined,
  given: unknown,
  length: number,
): asserts shape is Shape {
  if (shape === undefined) throw expected('INVALID_SHAPE', 'a list of integers >= 0', `${name}.shape`, given);
  if (length === elementCount(shape)) return;
  // A detached or shrunk buffer shows up here too, as a length of 0 or less than the shape's.
  const what = `${elementCount(shape)} elements for shape ${formatShape(shape)}`;
  throw expected('INVALID_SHAPE', what, `${name}.data.length`, length);
}
