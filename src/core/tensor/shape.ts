// Arithmetic on shapes: counting, comparing, naming and broadcasting. No data is touched here.
import { HeadpoolError, type ErrorCode } from '../errors.js';

export type Shape = readonly number[];

/** The number of elements of a shape; 1 for a scalar's empty shape. */
export function elementCount(shape: Shape): number {
  return shape.reduce((count, length) => count * length, 1);
}

/** `[2, 3, 64]`, the way shapes appear in messages. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** "Expected <what> for `name`, got shape [2, 3, 64]": the message of a tensor whose shape is the wrong one. */
export function unexpectedShape(code: ErrorCode, what: string, name: string, shape: Shape): HeadpoolError {
  return new HeadpoolError(code, `Expected ${what} for \`${name}\`, got shape ${formatShape(shape)}`);
}

export function isSameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/** Whether every length is an integer of at least 0 and the product is exactly representable. */
export function isShape(value: unknown): value is Shape {
  return readShape(value) !== undefined;
}

/** A copy of a shape, its axes read once; undefined where the value is none. */
export function readShape(value: unknown): Shape | undefined {
  if (!Array.isArray(value)) return undefined;
  const rank = value.length;
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const length: unknown = value[axis];
    if (!Number.isSafeInteger(length) || (length as number) < 0) return undefined;
    shape.push(length as number);
  }
  return Number.isSafeInteger(elementCount(shape)) ? shape : undefined;
}

/**
 * The element strides with which `shape` reads as `target`, aligned from the right; an axis of length 1 (or one
 * that is missing) repeats with stride 0. Returns undefined where the two don't fit.
 */
export function broadcastStrides(shape: Shape, target: Shape): number[] | undefined {
  if (shape.length > target.length) return undefined;
  const strides = new Array<number>(target.length).fill(0);
  const shift = target.length - shape.length;
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis]!;
    if (length === target[axis + shift]) strides[axis + shift] = length === 1 ? 0 : stride;
    else if (length !== 1) return undefined;
    stride *= length;
  }
  return strides;
}
