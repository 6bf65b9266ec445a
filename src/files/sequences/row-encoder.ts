// What encoders of float rows share: the rows as bytes of a storage type, and the sequences counted so far.
import { encodeInto, type Dtype } from '../../core/tensor/dtype.js';
import type { StorageType } from '../storage.js';
import type { SequenceName, Sequences } from './sequences.js';

export const storageOf = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const satisfies Record<
  Dtype,
  StorageType
>;

/** `rows` as they are for f32, else rounded to nearest even into new memory. */
export function encodeRows(rows: Float32Array, dtype: Dtype): ArrayBufferView {
  if (dtype === 'f32') return rows;
  const narrowed = new Uint16Array(rows.length);
  encodeInto(narrowed, rows, dtype);
  return narrowed;
}

/** Counts sequences for a header that is written last. */
export class SequenceCount {
  readonly lengths: number[] = [];
  readonly names: SequenceName[] = [];
  rows = 0;
  #hasNames = false;

  add({ lengths, names }: Sequences): void {
    for (const [index, length] of lengths.entries()) {
      const name = names?.[index] ?? null;
      this.lengths.push(length);
      this.names.push(name);
      this.rows += length;
      this.#hasNames ||= name !== null;
    }
  }

  /** Whether any sequence has a name. */
  get hasNames(): boolean {
    return this.#hasNames;
  }
}
