// Reads elements of a stored tensor that need more than copying: another type, byte order or axis order.
// Memory is bounded by one chunk, whatever the tensor's size.
import { fortranStretches, scatterFortran } from './fortran-order.js';
import { readFully, type Reading } from './positional-io.js';
import {
  bytesPerStored,
  decodeStored,
  swapByteOrder,
  type NumberArray,
  type StoredTensor,
} from './storage.js';

/** How much of a file is converted at a time. */
const chunkBytes = 2 ** 20;

/** Reading so many bytes takes as long as a read of its own. */
const worthPassingOver = 2 ** 16;

interface Source {
  readonly file: Reading;
  /** For messages. */
  readonly path: string;
  readonly tensor: StoredTensor;
}

/** Whether the order of the file is not the row-major one; below two axes both agree. */
export function isReordered({ isFortranOrder, shape }: StoredTensor): boolean {
  return isFortranOrder && shape.length > 1;
}

/**
 * Fills `target` with the elements `first` … in row-major order. Of a tensor in Fortran order what lies between them
 * is passed over where that is worth it.
 * @throws INVALID_FILE if the file has shrunk; FILE_FAILED
 */
export async function readConverted(source: Source, target: NumberArray, first: number): Promise<void> {
  const { dtype, shape } = source.tensor;
  if (!isReordered(source.tensor)) {
    for await (const { bytes, index, count } of readChunks(source, first, target.length)) {
      decodeStored(bytes, dtype, target.subarray(index - first, index - first + count));
    }
    return;
  }
  const mostGap = worthPassingOver / bytesPerStored(dtype);
  for (const stretch of fortranStretches(shape, first, target.length, mostGap)) {
    for await (const { bytes, index, count } of readChunks(source, stretch.index, stretch.count)) {
      const values = target instanceof Float32Array ? new Float32Array(count) : new Float64Array(count);
      decodeStored(bytes, dtype, values);
      scatterFortran({ shape, values, fileIndex: index, target, first });
    }
  }
}

/** The elements `first` … in the order of the file, little-endian and aligned; each chunk overwrites the last. */
async function* readChunks({ file, path, tensor }: Source, first: number, count: number) {
  const width = bytesPerStored(tensor.dtype);
  const scratch = new Uint8Array(Math.min(count * width, chunkBytes));
  for (let index = first; index < first + count; index += chunkBytes / width) {
    const chunkCount = Math.min(first + count - index, chunkBytes / width);
    const bytes = scratch.subarray(0, chunkCount * width);
    await readFully(file, bytes, { path, position: tensor.byteOffset + index * width });
    if (tensor.isBigEndian) swapByteOrder(bytes, width);
    yield { bytes, index, count: chunkCount };
  }
}
