// Large files of sequences that take no room: header, first sequence and offsets are written, all other rows are a hole.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { formatSafetensorsHeader } from '../../src/files/safetensors.js';
import { bytesOf, writeFully } from '../../src/files/positional-io.js';
import type { Tensor } from '../../src/core/tensor/tensor.js';

/** A hole is one if this share of it at most takes room. */
const mostAllocated = 0.5;
const probeBytes = 2 ** 24;
const bytesPerBlock = 512;

/** @throws RangeError if holes take room in `folder`, where a large file would fill the volume */
export async function requireSparse(folder: string): Promise<void> {
  const path = join(folder, 'probe');
  const file = await open(path, 'w');
  try {
    await file.truncate(probeBytes);
    await file.sync();
    const { blocks } = await file.stat();
    if (blocks * bytesPerBlock <= probeBytes * mostAllocated) return;
  } finally {
    await file.close();
  }
  throw new RangeError(`Expected a volume that supports sparse files for ${folder}; --folder names another`);
}

export interface SparseFile {
  readonly path: string;
  readonly sequences: number;
  readonly bytes: number;
  /** What it takes on the volume. */
  readonly allocatedBytes: number;
}

/** Packed sequences as long as the first one [tokens, modelDim]. */
export async function writeSparseSequences(
  path: string,
  sequences: number,
  first: Tensor,
): Promise<SparseFile> {
  const [tokens, modelDim] = first.shape as [number, number];
  const { bytes, tensors, dataOffset, fileSize } = formatSafetensorsHeader([
    { name: 'x', dtype: 'F32', shape: [sequences * tokens, modelDim] },
    { name: 'offsets', dtype: 'I64', shape: [sequences + 1] },
  ]);
  const offsets = BigInt64Array.from({ length: sequences + 1 }, (_, index) => BigInt(index * tokens));
  const file = await open(path, 'w');
  try {
    await file.truncate(fileSize);
    for (const [part, position] of [
      [bytes, 0],
      [bytesOf(first.data), dataOffset],
      [bytesOf(offsets), tensors.get('offsets')!.byteOffset],
    ] as const) {
      await writeFully(file, part, { path, position });
    }
    await file.sync();
    const { size, blocks } = await file.stat();
    return { path, sequences, bytes: size, allocatedBytes: blocks * bytesPerBlock };
  } finally {
    await file.close();
  }
}
