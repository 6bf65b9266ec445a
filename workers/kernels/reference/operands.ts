// Single numbers of keys and values, wherever and however they are stored.
import { decodeBF16, decodeF16 } from '../../../src/core/tensor/dtype.js';
import type { AttentionBlock, Operand, StoredNumbers } from '../kernel.js';

/** Number d of key j; extra keys come behind the others. */
export function readKey(block: AttentionBlock, j: number, d: number): number {
  const { key, keys, extra } = block;
  return j < keys ? readStored(block, key, j, d) : readRow(extra!.key, j - keys, d);
}

/** Number d of value j. */
export function readValue(block: AttentionBlock, j: number, d: number): number {
  const { value, keys, extra } = block;
  return j < keys ? readStored(block, value, j, d) : readRow(extra!.value, j - keys, d);
}

function readStored(
  { pages, storage }: AttentionBlock,
  operand: Operand<StoredNumbers>,
  j: number,
  d: number,
): number {
  if (pages === null) return readRow(operand, j, d);
  const { table, pageKeys, stride } = pages;
  const page = table.data[table.offset + Math.floor(j / pageKeys)]! * stride;
  const number = operand.data[operand.offset + page + (j % pageKeys) * operand.rowStride + d]!;
  if (storage === 'f32') return number;
  return storage === 'f16' ? decodeF16(number) : decodeBF16(number);
}

function readRow({ data, offset, rowStride }: Operand<StoredNumbers>, row: number, d: number): number {
  return data[offset + row * rowStride + d]!;
}
