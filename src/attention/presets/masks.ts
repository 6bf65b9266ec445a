// Masks as other systems give them: one option for booleans and for floats to add, flipped, padded, combined.
import { expected, HeadpoolError } from '../../core/errors.js';
import { broadcastStrides, elementCount, formatShape, type Shape } from '../../core/tensor/shape.js';
import type { TensorLike } from '../../core/tensor/tensor.js';
import { shareFloats, shareMask, type MaskLike, type SharedFloats } from '../share-operands.js';

/** Booleans (bytes, or a list of booleans), or floats that are added to the scores. */
export type BooleanOrFloatMask = MaskLike | TensorLike;

interface SharedMask {
  readonly shape: Shape;
  readonly data: Uint8Array<SharedArrayBuffer>;
}

/** `mask` (true = attend) and `bias` of an attention. */
export interface Masks {
  readonly mask?: SharedMask;
  readonly bias?: SharedFloats;
}

/** @throws INVALID_SHAPE under the system's own name */
export function readMask(name: string, given: BooleanOrFloatMask | null | undefined): Masks {
  if (given === undefined || given === null) return {};
  const { data } = given as Partial<BooleanOrFloatMask>;
  if (data instanceof Uint8Array || Array.isArray(data)) return { mask: shareMask(name, given as MaskLike) };
  if (data instanceof Float32Array || data instanceof Uint16Array) return { bias: shareFloats(name, given) };
  const what = 'a mask { shape, data } of booleans or floats';
  throw expected('INVALID_SHAPE', what, name, data === undefined ? given : data);
}

/** true for false and false for true; floats stay. */
export function flip({ mask, bias }: Masks): Masks {
  if (mask === undefined) return bias === undefined ? {} : { bias };
  const data = makeBytes(mask.data.length);
  for (let n = 0; n < data.length; n++) data[n] = mask.data[n] === 0 ? 1 : 0;
  return { mask: { shape: mask.shape, data } };
}

/** The same numbers under another shape. */
export function reshape({ mask, bias }: Masks, change: (shape: Shape) => Shape): Masks {
  return {
    ...(mask && { mask: { shape: change(mask.shape), data: mask.data } }),
    ...(bias && { bias: { shape: change(bias.shape), data: bias.data } }),
  };
}

/** What lies behind the last axis up to `keys` is left out. */
export function padKeys({ mask, bias }: Masks, keys: number): Masks {
  return {
    ...(mask && { mask: padLast(mask, keys, 0, makeBytes) }),
    ...(bias && { bias: padLast(bias, keys, -Infinity, makeFloats) }),
  };
}

function padLast<T extends Uint8Array | Float32Array>(
  operand: { readonly shape: Shape; readonly data: T },
  keys: number,
  filler: number,
  make: (length: number) => T,
): { readonly shape: Shape; readonly data: T } {
  const { shape, data } = operand;
  const length = shape.at(-1);
  if (length === undefined || length >= keys) return operand;
  const rows = elementCount(shape.slice(0, -1));
  const padded = make(rows * keys);
  padded.fill(filler);
  for (let row = 0; row < rows; row++) {
    padded.set(data.subarray(row * length, (row + 1) * length), row * keys);
  }
  return { shape: [...shape.slice(0, -1), keys], data: padded };
}

/** Where both attend; floats are added. Both broadcast from the right to a shape of both. @throws INVALID_SHAPE */
export function combine(a: Masks, b: Masks): Masks {
  const mask = a.mask && b.mask ? merge(a.mask, b.mask, makeBytes, (x, y) => x && y) : (a.mask ?? b.mask);
  const bias = a.bias && b.bias ? merge(a.bias, b.bias, makeFloats, (x, y) => x + y) : (a.bias ?? b.bias);
  return { ...(mask && { mask }), ...(bias && { bias }) };
}

function merge<T extends Uint8Array | Float32Array>(
  a: { readonly shape: Shape; readonly data: T },
  b: { readonly shape: Shape; readonly data: T },
  make: (length: number) => T,
  join: (x: number, y: number) => number,
): { readonly shape: Shape; readonly data: T } {
  const rank = Math.max(a.shape.length, b.shape.length);
  const shape = Array.from({ length: rank }, (_, axis) => {
    const [inA, inB] = [a, b].map((operand) => operand.shape[axis - rank + operand.shape.length] ?? 1);
    return inA === 1 ? inB! : inA!;
  });
  const stridesA = broadcastStrides(a.shape, shape);
  const stridesB = broadcastStrides(b.shape, shape);
  if (stridesA === undefined || stridesB === undefined) {
    const shapes = `${formatShape(a.shape)} and ${formatShape(b.shape)}`;
    throw new HeadpoolError('INVALID_SHAPE', `Expected masks that broadcast to one shape, got ${shapes}`);
  }
  const data = make(elementCount(shape));
  for (let flat = 0; flat < data.length; flat++) {
    let [rest, atA, atB] = [flat, 0, 0];
    for (let axis = rank - 1; axis >= 0; axis--) {
      const index = rest % shape[axis]!;
      rest = (rest - index) / shape[axis]!;
      atA += index * stridesA[axis]!;
      atB += index * stridesB[axis]!;
    }
    data[flat] = join(a.data[atA]!, b.data[atB]!);
  }
  return { shape, data };
}

/** Query i attends the keys i + offset - left … i + offset + right: [queries, keys] */
export function bandMask(
  { queries, keys }: { readonly queries: number; readonly keys: number },
  { offset, left, right }: { readonly offset: number; readonly left: number; readonly right: number },
): Masks {
  const data = makeBytes(queries * keys);
  for (let i = 0; i < queries; i++) {
    const first = Math.max(0, i + offset - left);
    const end = Math.min(keys, i + offset + right + 1);
    if (first < end) data.fill(1, i * keys + first, i * keys + end);
  }
  return { mask: { shape: [queries, keys], data } };
}

/** Queries from `lengths[b]` on attend nothing: [batch, 1, queries, 1] */
export function queryMask(lengths: readonly number[], queries: number): Masks {
  const data = makeBytes(lengths.length * queries);
  lengths.forEach((length, b) => data.fill(1, b * queries, b * queries + Math.min(length, queries)));
  return { mask: { shape: [lengths.length, 1, queries, 1], data } };
}

function makeBytes(length: number): Uint8Array<SharedArrayBuffer> {
  return new Uint8Array(new SharedArrayBuffer(length));
}

function makeFloats(length: number): Float32Array<SharedArrayBuffer> {
  return new Float32Array(new SharedArrayBuffer(length * 4));
}
