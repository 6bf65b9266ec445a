// An open file of named tensors: .safetensors, .npy with its single one, or .npz, which npz.ts opens. Opening checks
// the whole header against the size of the file; the numbers are read where and when asked for, into memory that the
// caller owns.
import type { FileHandle } from 'node:fs/promises';
import { extname } from 'node:path';
import { runSteps } from '../core/breather.js';
import { expected, invalidFile, type HeadpoolError } from '../core/errors.js';
import { findIndex } from '../core/steps.js';
import { elementCount, formatShape } from '../core/tensor/shape.js';
import { createTensor, type Tensor } from '../core/tensor/tensor.js';
import { allocateFor } from './allocate.js';
import { attempt } from './attempt.js';
import { isReordered, readConverted } from './convert-stored.js';
import { quoteName } from './field-name.js';
import { npyPrefixBytes, parseNpyHeader } from './npy.js';
import { openRegularFile, type RegularFile } from './open-file.js';
import { piecesOf, readFully, type Reading } from './positional-io.js';
import { findSafetensorsDataOffset, parseSafetensorsHeader } from './safetensors.js';
import {
  isFloatStorage,
  isIntegerStorage,
  swapByteOrder,
  type NumberArray,
  type StoredTensor,
} from './storage.js';

/** The name under which a .npy file offers its array. */
export const npyTensorName = 'array';

/** Where a file keeps the bytes of its tensors. */
export interface TensorSource {
  /** Runs `action` with what reads tensor `name`; its `byteOffset` is a position in that. */
  use<T>(name: string, action: (file: Reading) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface TensorContents {
  readonly format: 'npy' | 'npz' | 'safetensors';
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Opens `path` and reads its header; the extension says the format.
 * @throws INVALID_FILE if the extension or the header is wrong, FILE_FAILED if it can't be opened
 */
export async function openTensorFile(path: string): Promise<TensorFile> {
  const readContents = contentsReaders.get(extname(path).toLowerCase());
  if (readContents === undefined) {
    throw invalidFile(path, 'the extension .npy or .safetensors', 'path', extname(path));
  }
  const file = await openRegularFile(path);
  try {
    return new TensorFile(path, sourceOf(file.handle), await readContents(path, file));
  } catch (error) {
    await file.handle.close();
    throw error;
  }
}

const contentsReaders: ReadonlyMap<string, (path: string, file: RegularFile) => Promise<TensorContents>> =
  new Map([
    ['.npy', readNpyContents],
    ['.safetensors', readSafetensorsContents],
  ]);

async function readNpyContents(path: string, { handle, size }: RegularFile): Promise<TensorContents> {
  const bytes = new Uint8Array(Math.min(size, npyPrefixBytes));
  await readFully(handle, bytes, { path, position: 0 });
  const { dataOffset, ...layout } = parseNpyHeader(bytes, path, size);
  const tensor = { ...layout, byteOffset: dataOffset, byteLength: size - dataOffset };
  return { format: 'npy', tensors: new Map([[npyTensorName, tensor]]), metadata: new Map() };
}

/** What one read brings, into which most headers fit. */
const usualHeaderBytes = 4096;

async function readSafetensorsContents(path: string, { handle, size }: RegularFile): Promise<TensorContents> {
  const start = new Uint8Array(Math.min(size, usualHeaderBytes));
  await readFully(handle, start, { path, position: 0 });
  const dataOffset = findSafetensorsDataOffset(start, { path, fileSize: size });
  const bytes = dataOffset <= start.length ? start : new Uint8Array(dataOffset);
  if (bytes !== start) await readFully(handle, bytes, { path, position: 0 });
  const { tensors, metadata } = await parseSafetensorsHeader(bytes, path, size);
  return { format: 'safetensors', tensors, metadata };
}

/** All tensors in one file, at positions of the file. */
function sourceOf(handle: FileHandle): TensorSource {
  return { use: (_, action) => action(handle), close: () => handle.close() };
}

/** Reads may overlap in time; `close` it when done. */
export class TensorFile {
  readonly path: string;
  readonly format: TensorContents['format'];
  /** In the order of the header. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The `__metadata__` of a .safetensors file; empty for .npy and .npz, which have none. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly #source: TensorSource;

  constructor(path: string, source: TensorSource, { format, tensors, metadata }: TensorContents) {
    this.path = path;
    this.format = format;
    this.tensors = tensors;
    this.metadata = metadata;
    this.#source = source;
  }

  /**
   * Fills `target`, which may be shared memory, with the elements `first` … of F32, F16, BF16 or F64 tensor `name`
   * in row-major order. F32 is read in place; other types are converted a chunk at a time, and so is Fortran order.
   * @throws INVALID_FILE if there is no such tensor, it holds no floats, or the file has shrunk; INVALID_SHAPE if the
   * range is not inside; FILE_FAILED
   */
  async readFloat32(name: string, target: Float32Array, first = 0): Promise<void> {
    const tensor = this.#findFloats(name);
    if (!Number.isSafeInteger(first) || first < 0 || first + target.length > elementCount(tensor.shape)) {
      const what = `a range from ${first} on inside shape ${formatShape(tensor.shape)}`;
      throw expected('INVALID_SHAPE', what, quoteName(name), target);
    }
    if (tensor.dtype !== 'F32' || isReordered(tensor)) return this.#convert(name, target, first);
    const position = tensor.byteOffset + first * 4;
    await this.#source.use(name, (file) => readFully(file, target, { path: this.path, position }));
    if (tensor.isBigEndian) for (const bytes of piecesOf(target)) swapByteOrder(bytes, 4);
  }

  /**
   * The whole of float tensor `name` in new shared memory.
   * @throws as `readFloat32` does; MEMORY_LIMIT if the memory can't be had
   */
  async readTensor(name: string): Promise<Tensor> {
    const { shape } = this.#findFloats(name);
    const tensor = allocateFor(this.path, () => createTensor(shape));
    await this.readFloat32(name, tensor.data);
    return tensor;
  }

  /**
   * The whole of integer tensor `name`, signed or not, of 8 to 64 bits.
   * @throws INVALID_FILE if there is no such tensor, it holds no integers, or one of them reaches 2^53
   */
  async readIntegers(name: string): Promise<Float64Array> {
    const tensor = this.#find(name);
    if (!isIntegerStorage(tensor.dtype)) throw this.#wrongType(name, tensor, 'an integer type');
    const integers = allocateFor(this.path, () => new Float64Array(elementCount(tensor.shape)));
    await this.#convert(name, integers);
    const unsafe = await runSteps(findIndex(integers, (integer) => !Number.isSafeInteger(integer)));
    if (unsafe >= 0) {
      const field = `${quoteName(name)}[${unsafe}]`;
      throw invalidFile(this.path, 'an integer below 2^53', field, integers[unsafe]);
    }
    return integers;
  }

  /**
   * The whole of boolean tensor `name` as 0 and 1.
   * @throws INVALID_FILE if there is no such tensor or it holds no booleans
   */
  async readBooleans(name: string): Promise<Uint8Array> {
    const tensor = this.#find(name);
    if (tensor.dtype !== 'BOOL') throw this.#wrongType(name, tensor, 'BOOL');
    const booleans = allocateFor(this.path, () => new Uint8Array(elementCount(tensor.shape)));
    await this.#convert(name, booleans);
    return booleans;
  }

  /** Further reads fail; a second call does nothing. @throws FILE_FAILED */
  async close(): Promise<void> {
    await attempt(this.path, 'close', () => this.#source.close());
  }

  async #convert(name: string, target: NumberArray, first = 0): Promise<void> {
    const tensor = this.#find(name);
    const { path } = this;
    await this.#source.use(name, (file) => readConverted({ file, path, tensor }, target, first));
  }

  #find(name: string): StoredTensor {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw invalidFile(this.path, 'a tensor', quoteName(name), undefined);
    return tensor;
  }

  #findFloats(name: string): StoredTensor {
    const tensor = this.#find(name);
    if (!isFloatStorage(tensor.dtype)) throw this.#wrongType(name, tensor, 'F32, F16, BF16 or F64');
    return tensor;
  }

  #wrongType(name: string, { dtype }: StoredTensor, what: string): HeadpoolError {
    return invalidFile(this.path, what, `${quoteName(name)}.dtype`, dtype);
  }
}
