// State dicts: the named float tensors of a model in one .safetensors file, held whole in memory.
import { extname } from 'node:path';
import { invalidFile } from '../core/errors.js';
import type { Tensor } from '../core/tensor/tensor.js';
import { createAtomicFile } from './atomic-file.js';
import { layOutFloats, type FloatTensors } from './safetensors-bytes.js';
import { isFloatStorage } from './storage.js';
import { openTensorFile } from './tensor-file.js';

/**
 * The float tensors of a .safetensors file as float32 in shared memory; F16, BF16 and F64 are converted, and tensors
 * of integers and booleans left out.
 * @param options `select`: which names to read, so that a layer of a large checkpoint costs no more than itself
 * @throws INVALID_FILE, FILE_FAILED, MEMORY_LIMIT
 */
export async function readStateDict(
  path: string,
  { select = () => true }: { select?: ((name: string) => boolean) | undefined } = {},
): Promise<Map<string, Tensor>> {
  requireSafetensors(path);
  const file = await openTensorFile(path);
  try {
    const tensors = new Map<string, Tensor>();
    for (const [name, { dtype }] of file.tensors) {
      if (isFloatStorage(dtype) && select(name)) tensors.set(name, await file.readTensor(name));
    }
    return tensors;
  } finally {
    await file.close();
  }
}

/**
 * Writes `tensors` as F32 in their order; the file appears complete or not at all.
 * @throws INVALID_SHAPE if a tensor's data don't fit its shape; INVALID_FILE if `path` is no .safetensors; FILE_FAILED
 */
export async function writeStateDict(
  path: string,
  tensors: FloatTensors,
  metadata?: ReadonlyMap<string, string>,
): Promise<void> {
  requireSafetensors(path);
  const header = layOutFloats(tensors, metadata);
  const file = await createAtomicFile(path);
  try {
    await file.write(header.bytes, 0);
    for (const [name, { data }] of tensors) await file.write(data, header.tensors.get(name)!.byteOffset);
    await file.commit();
  } catch (error) {
    await file.discard();
    throw error;
  }
}

function requireSafetensors(path: string): void {
  const extension = extname(path).toLowerCase();
  if (extension !== '.safetensors') throw invalidFile(path, 'the extension .safetensors', 'path', extension);
}
