// What the tests of readers and writers share: files put together by hand, and rows that count up.
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { openSequences } from '../../src/files/sequences/formats.js';
import { createSequenceWriter, type WriterOptions } from '../../src/files/sequences/sequence-writer.js';
import type { SequenceLayout, SequenceReader } from '../../src/files/sequences/sequences.js';
import { makeFolder } from './make-folder.js';
import { float32Bytes, npyFile, safetensorsFile, writeScratch } from '../files/scratch.js';

/** Opens `bytes` as a file of that name. */
export async function openScratch(
  t: ExecutionContext,
  name: string,
  bytes: Uint8Array,
): Promise<SequenceReader> {
  const reader = await openSequences(await writeScratch(t, name, bytes));
  t.teardown(() => reader.close());
  return reader;
}

/** All rows of a file, read into shared memory. */
export async function readAll(reader: SequenceReader): Promise<number[]> {
  const target = new Float32Array(new SharedArrayBuffer(reader.offsets.at(-1)! * reader.modelDim * 4));
  await reader.read(0, reader.count, target);
  return [...target];
}

/** Writes 1, 2, 3 … as the rows of `layout`, a sequence at a time, and opens the result. */
export async function roundTrip(
  t: ExecutionContext,
  name: string,
  layout: SequenceLayout,
  options?: Partial<WriterOptions>,
): Promise<SequenceReader> {
  const path = join(await makeFolder(t), name);
  const { modelDim = layout.modelDim } = options ?? {};
  const writer = await createSequenceWriter(path, { form: layout.form, layout, modelDim, ...options });
  for (const [index, length] of layout.lengths.entries()) {
    const begin = layout.offsets[index]! * modelDim;
    const rows = new Float32Array(length * modelDim).map((_, i) => begin + i + 1);
    await writer.append({ lengths: [length], ...(layout.names && { names: [layout.names[index]!] }) }, rows);
  }
  await writer.commit();
  const reader = await openSequences(path);
  t.teardown(() => reader.close());
  return reader;
}

/** 1, 2, … count. */
export const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** The entry of a tensor of floats in a header of .safetensors, its data from `begin` on. */
export const rows = (shape: number[], begin = 0) => {
  const bytes = shape.reduce((count, length) => count * length, 4);
  return { dtype: 'F32', shape, data_offsets: [begin, begin + bytes] };
};

/** A packed file of 3 rows of 2 numbers with the given offsets. */
export function packed(offsets: number[], dtype: 'I32' | 'I64' = 'I64', shape = [offsets.length]): Buffer {
  const numbers = dtype === 'I32' ? Int32Array.from(offsets) : BigInt64Array.from(offsets, BigInt);
  const header = { x: rows([3, 2]), offsets: { dtype, shape, data_offsets: [24, 24 + numbers.byteLength] } };
  const data = Buffer.concat([float32Bytes(...upTo(6)), new Uint8Array(numbers.buffer)]);
  return safetensorsFile(header, data);
}

/** A .npy file of the numbers 1 … count. */
export const npy = (shape: string, count: number, descr = '<f4') =>
  npyFile(`{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}}`, float32Bytes(...upTo(count)));
