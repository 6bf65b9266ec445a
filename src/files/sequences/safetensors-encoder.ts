// Writes sequences as .safetensors: of form 'named' a tensor each, after a header that must be known first; of any
// other form packed, after a header of fixed size that is written last.
import { expected } from '../../core/errors.js';
import { bytesPerElement } from '../../core/tensor/dtype.js';
import { formatSafetensorsHeader, type TensorOutline } from '../safetensors.js';
import { encodeRows, SequenceCount, storageOf } from './row-encoder.js';
import { offsetsName, rowsName } from './tensor-layouts.js';
import type { OutputOutline, SequenceEncoder, SequenceName, Sequences } from './sequences.js';

export const idsName = 'ids';

/** @throws INVALID_OPTION for names that a header can't hold */
export function createSafetensorsEncoder(outline: OutputOutline): SequenceEncoder {
  return outline.form === 'named' ? new NamedEncoder(outline) : new PackedEncoder(outline);
}

class PackedEncoder implements SequenceEncoder {
  readonly prologue: Uint8Array;
  readonly #outline: OutputOutline;
  readonly #count = new SequenceCount();

  constructor(outline: OutputOutline) {
    this.#outline = outline;
    this.prologue = new Uint8Array(longestHeader(outline));
  }

  encode(sequences: Sequences, rows: Float32Array): readonly ArrayBufferView[] {
    this.#count.add(sequences);
    return [encodeRows(rows, this.#outline.dtype)];
  }

  assume(sequences: Sequences): void {
    this.#count.add(sequences);
  }

  finish() {
    const { lengths, names, rows, hasNames } = this.#count;
    const { dtype, modelDim } = this.#outline;
    const x = rowsOutline(this.#outline, rows);
    // Some readers want tensors aligned to their element: 64 bits where that is so, as it is for even widths.
    const isAligned = (rows * modelDim * bytesPerElement[dtype]) % 8 === 0 || rows >= 2 ** 31;
    const offsets = {
      name: offsetsName,
      dtype: isAligned ? 'I64' : 'I32',
      shape: [lengths.length + 1],
    } as const;
    const ids = hasNames ? idBytes(names) : Buffer.alloc(0);
    const outlines: TensorOutline[] = [x, offsets];
    if (hasNames) outlines.push({ name: idsName, dtype: 'U8', shape: [ids.length] });
    const { bytes } = formatSafetensorsHeader(outlines, this.#outline.metadata, this.prologue.length);
    return { prologue: bytes, epilogue: Buffer.concat([offsetBytes(lengths, offsets.dtype), ids]) };
  }
}

function rowsOutline({ dtype, modelDim }: OutputOutline, rows: number): TensorOutline {
  return { name: rowsName, dtype: storageOf[dtype], shape: [rows, modelDim] };
}

/** The size of a header with the largest numbers that can be counted; every file of an outline has one of this size. */
function longestHeader(outline: OutputOutline): number {
  const most = Math.floor(Number.MAX_SAFE_INTEGER / (4 * outline.modelDim));
  const outlines: TensorOutline[] = [
    rowsOutline(outline, most),
    { name: offsetsName, dtype: 'I64', shape: [Number.MAX_SAFE_INTEGER] },
    { name: idsName, dtype: 'U8', shape: [Number.MAX_SAFE_INTEGER] },
  ];
  return formatSafetensorsHeader(outlines, outline.metadata).bytes.length;
}

/** How many names become one text: all together may be longer than a text can be. */
const namesOfText = 2 ** 16;

/** A JSON array. */
function idBytes(names: readonly SequenceName[]): Buffer {
  const pieces: Buffer[] = [];
  for (let first = 0; first < names.length; first += namesOfText) {
    const text = JSON.stringify(names.slice(first, first + namesOfText)).slice(1, -1);
    pieces.push(Buffer.from(`${first === 0 ? '[' : ','}${text}`));
  }
  return Buffer.concat([...pieces, Buffer.from(']')]);
}

function offsetBytes(lengths: readonly number[], dtype: 'I64' | 'I32'): Uint8Array {
  const offsets =
    dtype === 'I64' ? new BigInt64Array(lengths.length + 1) : new Int32Array(lengths.length + 1);
  let row = 0;
  for (const [index, length] of lengths.entries()) {
    row += length;
    if (offsets instanceof BigInt64Array) offsets[index + 1] = BigInt(row);
    else offsets[index + 1] = row;
  }
  return new Uint8Array(offsets.buffer);
}

class NamedEncoder implements SequenceEncoder {
  readonly prologue: Uint8Array;
  readonly #dtype: OutputOutline['dtype'];
  readonly #expected: readonly number[];
  #next = 0;

  constructor({ layout, modelDim, dtype, isPooled, metadata }: OutputOutline) {
    const { names = [], lengths = [] } = layout ?? {};
    this.#dtype = dtype;
    this.#expected = isPooled ? lengths.map(() => 1) : lengths;
    const outlines = names.map((name, index): TensorOutline => {
      return { name: String(name), dtype: storageOf[dtype], shape: [this.#expected[index]!, modelDim] };
    });
    this.prologue = formatSafetensorsHeader(outlines, metadata).bytes;
  }

  encode(sequences: Sequences, rows: Float32Array): readonly ArrayBufferView[] {
    this.assume(sequences);
    return [encodeRows(rows, this.#dtype)];
  }

  assume({ lengths }: Sequences): void {
    for (const length of lengths) {
      const wanted = this.#expected[this.#next];
      if (length !== wanted) {
        throw expected('INVALID_OPTION', `${wanted ?? 'no'} tokens`, `lengths[${this.#next}]`, length);
      }
      this.#next++;
    }
  }

  /** @throws INVALID_OPTION if a sequence that the header lists was not written */
  finish() {
    if (this.#next < this.#expected.length) {
      throw expected('INVALID_OPTION', 'every sequence to be written', `sequences[${this.#next}]`, undefined);
    }
    return { epilogue: new Uint8Array() };
  }
}
