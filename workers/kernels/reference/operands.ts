// Single numbers of keys and values, wherever and however they are stored.
import { decodeBF16, decodeF16 } from '../../../src/core/tensor/dtype.js';
import type { AttentionBlock, StoredSlice } from '../kernel.js';

/** Number d of key j; extra keys come behind the others. */
export function readKey(block: AttentionBlock, j: number, d: number): number {
  const { key, keyStride, keys, headDim, extra } = block;
  if (j < keys) return readStored(block, key, j, keyStride, d);
  return extra!.key.data[extra!.key.offset + (j - keys) * headDim + d]!;
}

/** Number d of value j. */
export function readValue(block: AttentionBlock, j: number, d: number): number {
  const { value, valueStride, keys, valueDim, extra } = block;
  if (j < keys) return readStored(block, value, j, valueStride, d);
  return extra!.value.data[extra!.value.offset + (j - keys) * valueDim + d]!;
}

function readStored(
  { pages, storage }: AttentionBlock,
  { data, offset }: StoredSlice,
  j: number,
  stride: number,
  d: number,
): number {
  const start =
    pages === null
      ? j * stride
      : pages.table.data[pages.table.offset + Math.floor(j / pages.pageKeys)]! * pages.stride +
        (j % pages.pageKeys) * stride;
  const number = data[offset + start + d]!;
  if (storage === 'f32') return number;
  return storage === 'f16' ? decodeF16(number) : decodeBF16(number);
}
