// Sequences in a .npy file: [count, tokens, modelDim], or a single one [tokens, modelDim].
import { expected, invalidFile } from '../../core/errors.js';
import type { Dtype } from '../../core/tensor/dtype.js';
import { formatNpyHeader, type NpyType } from '../npy.js';
import { isFloatStorage, type StoredTensor } from '../storage.js';
import { npyTensorName, openTensorFile } from '../tensor-file.js';
import { createLayout, locateElements } from './layout.js';
import { streamOf } from './reader-stream.js';
import { encodeRows, SequenceCount } from './row-encoder.js';
import type {
  OutputOutline,
  SequenceEncoder,
  FormatImplementation,
  SequenceLayout,
  SequenceReader,
  Sequences,
} from './sequences.js';

export const npyFormat: FormatImplementation = {
  openReader,
  openStream: async (source) => streamOf(await openReader(source.path), source),
  createEncoder: (outline) => Promise.resolve(new NpyEncoder(outline)),
};

async function openReader(path: string): Promise<SequenceReader> {
  const file = await openTensorFile(path);
  try {
    const layout = layoutOf(file.tensors.get(npyTensorName)!, path);
    return {
      ...layout,
      path,
      metadata: file.metadata,
      async read(first, count, target) {
        const { begin } = locateElements(layout, { first, count, data: target });
        await file.readFloat32(npyTensorName, target, begin);
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function layoutOf({ dtype, shape }: StoredTensor, path: string): SequenceLayout {
  if (!isFloatStorage(dtype)) throw invalidFile(path, 'a float type', 'descr', dtype);
  const modelDim = shape.at(-1) ?? 0;
  if ((shape.length !== 2 && shape.length !== 3) || modelDim === 0) {
    throw invalidFile(path, '(tokens, modelDim) or (sequences, tokens, modelDim)', 'shape', shape);
  }
  const tokens = shape.at(-2)!;
  if (shape.length === 2) return createLayout({ form: 'single', modelDim, lengths: [tokens] });
  // Without tokens no data would bound the number of sequences, and a header alone could ask for any memory.
  if (tokens === 0 && shape[0] !== 0)
    throw invalidFile(path, 'at least one token a sequence', 'shape', shape);
  return createLayout({ form: 'stacked', modelDim, lengths: new Array<number>(shape[0]!).fill(tokens) });
}

const typeOf: Readonly<Record<Dtype, NpyType | undefined>> = { f32: 'F32', f16: 'F16', bf16: undefined };

/** The longest header that a shape of ours can need; every file gets as many bytes, so that it can be written last. */
const headerBytes = formatNpyHeader('F32', [1e15, 1e15, 1e15]).length;

/** Names have no place in .npy and are left out. */
class NpyEncoder implements SequenceEncoder {
  readonly prologue = new Uint8Array(headerBytes);
  readonly #outline: OutputOutline;
  readonly #type: NpyType;
  readonly #count = new SequenceCount();

  constructor(outline: OutputOutline) {
    const type = typeOf[outline.dtype];
    if (type === undefined) throw expected('INVALID_OPTION', 'f32 or f16 for .npy', 'dtype', outline.dtype);
    this.#outline = outline;
    this.#type = type;
    // What is known already is refused before anything is computed.
    if (outline.layout !== undefined) this.#check(outline.layout.lengths, 0, outline.layout.lengths[0]);
  }

  encode(sequences: Sequences, rows: Float32Array): readonly ArrayBufferView[] {
    this.#add(sequences);
    return [encodeRows(rows, this.#outline.dtype)];
  }

  assume(sequences: Sequences): void {
    this.#add(sequences);
  }

  finish() {
    const { form, modelDim, isPooled } = this.#outline;
    const { lengths, rows } = this.#count;
    const shape =
      isPooled || form === 'single' ? [rows, modelDim] : [lengths.length, lengths[0] ?? 0, modelDim];
    return { prologue: formatNpyHeader(this.#type, shape, headerBytes), epilogue: new Uint8Array() };
  }

  /** @throws INVALID_OPTION unless the sequences are as long as those before */
  #add(sequences: Sequences): void {
    const before = this.#count.lengths.length;
    this.#count.add(sequences);
    this.#check(sequences.lengths, before, this.#count.lengths[0]);
  }

  #check(lengths: readonly number[], before: number, first: number | undefined): void {
    const { isPooled, form } = this.#outline;
    if (isPooled) return;
    const odd = lengths.findIndex((length) => length !== first);
    if (odd >= 0) {
      const what = `${first!} tokens like the first, since .npy holds equal lengths only,`;
      throw expected('INVALID_OPTION', what, `lengths[${before + odd}]`, lengths[odd]);
    }
    if (first === 0 && form !== 'single') {
      throw expected('INVALID_OPTION', 'at least one token a sequence in .npy', 'lengths[0]', first);
    }
  }
}
