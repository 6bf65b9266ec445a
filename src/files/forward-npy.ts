// Opens a .npy file that can be read only from its start on: inside .gz or .zst, or as standard input brings it.
import { invalidFile } from '../core/errors.js';
import { elementCount } from '../core/tensor/shape.js';
import { attempt } from './attempt.js';
import type { ByteOrigin } from './byte-source.js';
import { splitCompression, type Compression } from './compression/compressed-path.js';
import { ForwardReading } from './forward-reading.js';
import { findNpyDataOffset, npyLengthBytes, npyPrefixBytes, parseNpyHeader } from './npy.js';
import { openBytes } from './open-bytes.js';
import { openRegularFile } from './open-file.js';
import type { Reading } from './positional-io.js';
import { bytesPerStored, type StoredTensor } from './storage.js';
import { npyTensorName, TensorFile } from './tensor-file.js';

/** How many bytes one compressed byte can stand for: deflate codes 258 in two bits, Zstandard 2^17 in four bytes. */
const largestRatio: Readonly<Record<Compression, number>> = { gzip: 1032, zstd: 2 ** 15 };

/** Without a size no data bound what a header may ask for. */
const mostRowsUnbounded = 2 ** 24;

/**
 * Reads in ascending order go through it once; of a compressed file a read before the last one starts over.
 * @throws INVALID_FILE naming the field, FILE_FAILED
 */
export async function openForwardNpy(origin: ByteOrigin): Promise<TensorFile> {
  const { path, bytes } = origin;
  const reading = new ForwardReading({
    path,
    open: () => openBytes(origin),
    isRepeatable: bytes === undefined,
  });
  try {
    const tensor = await readHeader(reading, path);
    if (bytes === undefined) await checkRatio(path, tensor);
    else checkPiped(path, tensor);
    await reading.use(() => reading.expectEnd(tensor.byteOffset + tensor.byteLength));
    return new TensorFile(
      path,
      { use: (_, action) => reading.use(action), close: () => reading.close() },
      { format: 'npy', tensors: new Map([[npyTensorName, tensor]]), metadata: new Map() },
    );
  } catch (error) {
    await reading.close();
    throw error;
  }
}

async function readHeader(reading: ForwardReading, path: string): Promise<StoredTensor> {
  const start = await reading.use((file) => readStart(file));
  const { dataOffset, ...layout } = parseNpyHeader(start, path, undefined);
  const byteLength = elementCount(layout.shape) * bytesPerStored(layout.dtype);
  return { ...layout, byteOffset: dataOffset, byteLength };
}

/** The header and nothing after it, or all of a file that ends before. */
async function readStart(file: Reading): Promise<Uint8Array> {
  const bytes = new Uint8Array(npyPrefixBytes);
  let end = npyLengthBytes;
  let done = 0;
  while (done < end) {
    const { bytesRead } = await file.read(bytes, done, end - done, done);
    if (bytesRead === 0) break;
    done += bytesRead;
    if (done === npyLengthBytes) end = Math.min(bytes.length, findNpyDataOffset(bytes));
  }
  return bytes.subarray(0, done);
}

/** @throws INVALID_FILE if the file is too small for what its header says */
async function checkRatio(path: string, { dtype, shape, byteLength }: StoredTensor): Promise<void> {
  const { handle, size } = await openRegularFile(path);
  await attempt(path, 'close', () => handle.close());
  const { compression } = splitCompression(path);
  if (compression === undefined || byteLength <= size * largestRatio[compression]) return;
  const what = `no more numbers of ${dtype} than ${size} compressed bytes can hold`;
  throw invalidFile(path, what, 'shape', shape);
}

function checkPiped(path: string, { shape, isFortranOrder }: StoredTensor): void {
  if (isFortranOrder && shape.length > 1) {
    throw invalidFile(path, 'False, because it can be read only once,', 'fortran_order', isFortranOrder);
  }
  const [rows = 0] = shape;
  if (shape.length > 2 && rows > mostRowsUnbounded) {
    throw invalidFile(path, `at most ${mostRowsUnbounded} sequences`, 'shape', shape);
  }
}
