// Sequences in Parquet files: a row a sequence, as lists of lists of floats in the column `x` with their names in the
// column `id`.
import { createParquetEncoder } from './parquet/encoder.js';
import { loadReading, loadWriting } from './parquet/load-parquet.js';
import { openParquetStream } from './parquet/stream.js';
import type { FormatImplementation } from './sequences.js';

export const parquetFormat = createParquetFormat(loadReading, loadWriting);

/** @internal The format on packages that are loaded when first asked for. */
export function createParquetFormat(
  read: typeof loadReading,
  write: typeof loadWriting,
): FormatImplementation {
  return {
    openStream: async (source) => openParquetStream(await read(), source),
    createEncoder: async (outline) => createParquetEncoder(await write(), outline),
  };
}
