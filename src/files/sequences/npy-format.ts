// Sequences in a .npy file: [count, tokens, modelDim], or a single one [tokens, modelDim].
import { runSteps } from '../../core/breather.js';
import { expected, invalidFile } from '../../core/errors.js';
import type { Steps } from '../../core/steps.js';
import type { Dtype } from '../../core/tensor/dtype.js';
import { splitCompression } from '../compression/compressed-path.js';
import { openForwardNpy } from '../forward-npy.js';
import { formatNpyHeader, type NpyType } from '../npy.js';
import { isFloatStorage, type StoredTensor } from '../storage.js';
import { npyTensorName, openTensorFile, type TensorFile } from '../tensor-file.js';
import { createLayout } from './layout.js';
import { streamOf } from './reader-stream.js';
import { encodeRows, SequenceCount } from './row-encoder.js';
import { layOutStacked } from './stacked-layout.js';
import { readerOfRows } from './tensor-layouts.js';
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
  openStream: async (source) => {
    const { path, bytes } = source;
    const reader =
      bytes === undefined ? openReader(path) : readerOfArray(await openForwardNpy({ path, bytes }));
    return streamOf(await reader, source);
  },
  createEncoder: (outline) => Promise.resolve(new NpyEncoder(outline)),
};

async function openReader(path: string): Promise<SequenceReader> {
  return readerOfArray(isCompressed(path) ? await openForwardNpy({ path }) : await openTensorFile(path));
}

function isCompressed(path: string): boolean {
  return splitCompression(path).compression !== undefined;
}

async function readerOfArray(file: TensorFile): Promise<SequenceReader> {
  try {
    const layout = await runSteps(layOutArray(file.tensors.get(npyTensorName)!, file.path));
    return readerOfRows(file, layout, npyTensorName);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function* layOutArray({ dtype, shape }: StoredTensor, path: string): Steps<SequenceLayout> {
  if (!isFloatStorage(dtype)) throw invalidFile(path, 'a float type', 'descr', dtype);
  if (shape.length === 3) return yield* layOutStacked(path, shape, 'shape');
  const [tokens, modelDim] = shape;
  if (shape.length !== 2 || tokens === undefined || !modelDim) {
    throw invalidFile(path, '(tokens, modelDim) or (sequences, tokens, modelDim)', 'shape', shape);
  }
  return createLayout({ form: 'single', modelDim, lengths: [tokens] });
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
    if (this.#outline.isPooled) return;
    const odd = lengths.findIndex((length) => length !== first);
    if (odd < 0) return;
    const what = `${first!} tokens like the first, since .npy holds equal lengths only (.safetensors, .jsonl and .arrow hold any),`;
    throw expected('INVALID_OPTION', what, `lengths[${before + odd}]`, lengths[odd]);
  }
}
