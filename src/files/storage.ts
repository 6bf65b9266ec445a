// The number types that files store and how their bytes become JavaScript numbers. Which format holds them, and
// where, is no matter here. Bytes are read in the host's order, which is little-endian on all that we build for.
import { decodeInto } from '../core/tensor/dtype.js';
import type { Shape } from '../core/tensor/shape.js';

/** What reads the bytes of each storage type; the names are those of safetensors. */
const arrayTypes = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

export type StorageType = keyof typeof arrayTypes;

/** Where a file keeps a tensor and how to read it. */
export interface StoredTensor {
  readonly dtype: StorageType;
  readonly shape: Shape;
  /** Of the first element, from the start of the file; any alignment. */
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly isBigEndian: boolean;
  /** Whether the first axis varies fastest in the file. */
  readonly isFortranOrder: boolean;
}

/** The arrays that stored numbers are read into. */
export type NumberArray = Float32Array | Float64Array | Uint8Array;

export const storageTypes = Object.keys(arrayTypes) as readonly StorageType[];

export function isStorageType(name: unknown): name is StorageType {
  return typeof name === 'string' && Object.hasOwn(arrayTypes, name);
}

export function bytesPerStored(dtype: StorageType): number {
  return arrayTypes[dtype].BYTES_PER_ELEMENT;
}

export function isFloatStorage(dtype: StorageType): boolean {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16' || dtype === 'F64';
}

export function isIntegerStorage(dtype: StorageType): boolean {
  return dtype !== 'BOOL' && !isFloatStorage(dtype);
}

/**
 * Turns `bytes`, little-endian elements stored as `dtype`, into the numbers of `target`, rounding to its precision.
 * 64-bit integers from 2^53 on come out rounded, hence never as safe integers; booleans as 0 and 1.
 * @param bytes aligned for `dtype`; as many elements as `target` has
 */
export function decodeStored(bytes: Uint8Array, dtype: StorageType, target: NumberArray): void {
  const stored = new arrayTypes[dtype](bytes.buffer as ArrayBuffer, bytes.byteOffset, target.length);
  if (stored instanceof BigInt64Array || stored instanceof BigUint64Array) {
    for (let i = 0; i < stored.length; i++) target[i] = Number(stored[i]);
  } else if (stored instanceof Uint16Array && dtype !== 'U16') {
    const widened = target instanceof Float32Array ? target : new Float32Array(target.length);
    decodeInto(widened, stored, dtype === 'F16' ? 'f16' : 'bf16');
    if (widened !== target) target.set(widened);
  } else {
    target.set(dtype === 'BOOL' ? stored.map((byte) => (byte === 0 ? 0 : 1)) : stored);
  }
}

/** Reverses the bytes of each element of `width` bytes, in place. */
export function swapByteOrder(bytes: Uint8Array, width: number): void {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 2) view.swap16();
  else if (width === 4) view.swap32();
  else if (width === 8) view.swap64();
}
