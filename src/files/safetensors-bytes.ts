// Safetensors that are no file: the body of a request, a message, an entry of a store. By the reader and the rules of
// files.
import { types } from 'node:util';
import { Breather } from '../core/breather.js';
import { expected } from '../core/errors.js';
import { elementCount, formatShape, type Shape } from '../core/tensor/shape.js';
import type { Tensor } from '../core/tensor/tensor.js';
import { quoteName } from './field-name.js';
import { bytesOf, type Reading } from './positional-io.js';
import {
  findSafetensorsDataOffset,
  formatSafetensorsHeader,
  longestHeader,
  parseSafetensorsHeader,
  type SafetensorsHeader,
} from './safetensors.js';
import { isFloatStorage, type StoredTensor } from './storage.js';
import { TensorFile } from './tensor-file.js';

/** What the bytes of safetensors hold. */
export interface SafetensorsContent {
  /** In the order of the header. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Float32 numbers to be written, by their names. */
export type FloatTensors = ReadonlyMap<string, { readonly shape: Shape; readonly data: Float32Array }>;

/** What messages call the bytes, where a file has its path. */
const path = 'safetensors';

export interface ParseOptions {
  /** The longest header to read, of what others send: it takes ten times its bytes while it is read. Default 100,000,000. */
  readonly maxHeaderBytes?: number;
}

/**
 * The float tensors in `bytes` as float32 in shared memory; F16, BF16 and F64 are converted, and tensors of integers and
 * booleans left out. Aligned F32 in shared memory is not copied: such a tensor lies in `bytes`.
 * @throws INVALID_FILE naming what is wrong, as for a file; INVALID_SHAPE if `bytes` are no Uint8Array; MEMORY_LIMIT
 */
export async function parseSafetensors(
  bytes: Uint8Array,
  { maxHeaderBytes = longestHeader }: ParseOptions = {},
): Promise<SafetensorsContent> {
  if (!types.isUint8Array(bytes)) throw expected('INVALID_SHAPE', 'a Uint8Array', 'bytes', bytes);
  findSafetensorsDataOffset(bytes, { path, fileSize: bytes.length, maxHeaderBytes });
  const header = await parseSafetensorsHeader(bytes, path, bytes.length);
  const source = { use: useMemory(bytes), close: () => Promise.resolve() };
  const file = new TensorFile(path, source, { format: 'safetensors', ...header });
  const tensors = new Map<string, Tensor>();
  const breather = new Breather();
  for (const [name, stored] of header.tensors) {
    if (isFloatStorage(stored.dtype))
      tensors.set(name, viewShared(bytes, stored) ?? (await file.readTensor(name)));
    if (breather.isDue) await breather.rest();
  }
  return { tensors, metadata: header.metadata };
}

/**
 * `tensors` as F32 in their order, aligned to 64 bytes: what `writeStateDict` writes.
 * @throws INVALID_SHAPE if a tensor's data don't fit its shape; INVALID_OPTION for the name `__metadata__`
 */
export function formatSafetensors(
  tensors: FloatTensors,
  metadata?: ReadonlyMap<string, string>,
): Uint8Array<ArrayBuffer> {
  const pieces = formatSafetensorsPieces(tensors, metadata);
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const piece of pieces) {
    bytes.set(piece, end);
    end += piece.length;
  }
  return bytes;
}

/**
 * The same bytes to be sent one piece after the other: a header, and the numbers of each tensor where they lie. They must
 * not be overwritten before they have been sent.
 * @throws as `formatSafetensors` does
 */
export function formatSafetensorsPieces(
  tensors: FloatTensors,
  metadata?: ReadonlyMap<string, string>,
): Uint8Array[] {
  const numbers = Array.from(tensors.values(), ({ data }) => bytesOf(data));
  return [layOutFloats(tensors, metadata).bytes].concat(numbers);
}

/** The header of `tensors` and where each goes. @throws as `formatSafetensors` does */
export function layOutFloats(
  tensors: FloatTensors,
  metadata?: ReadonlyMap<string, string>,
): SafetensorsHeader & { readonly bytes: Uint8Array; readonly fileSize: number } {
  const outlines = [...tensors].map(([name, { shape, data }]) => {
    if (data.length === elementCount(shape)) return { name, dtype: 'F32' as const, shape };
    throw expected('INVALID_SHAPE', `numbers for shape ${formatShape(shape)}`, quoteName(name), data);
  });
  return formatSafetensorsHeader(outlines, metadata);
}

/** Reads memory as if it were a file. */
function useMemory(memory: Uint8Array) {
  const reading: Reading = {
    read(bytes, offset, length, position) {
      const found = memory.subarray(position, position + length);
      bytes.set(found, offset);
      return Promise.resolve({ bytesRead: found.length });
    },
  };
  return <T>(_: string, action: (file: Reading) => Promise<T>): Promise<T> => action(reading);
}

/** The tensor where it lies; undefined where other threads can't read it there. */
function viewShared(bytes: Uint8Array, { dtype, shape, byteOffset }: StoredTensor): Tensor | undefined {
  const { buffer } = bytes;
  const start = bytes.byteOffset + byteOffset;
  if (dtype !== 'F32' || !(buffer instanceof SharedArrayBuffer) || start % 4 !== 0) return undefined;
  return { shape, data: new Float32Array(buffer, start, elementCount(shape)) };
}
