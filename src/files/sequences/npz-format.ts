// Sequences in a .npz file of NumPy: packed as `x` and `offsets`, a single array [count, tokens, modelDim], or any
// arrays [tokens, modelDim], each a sequence with a name.
import { invalidFile } from '../../core/errors.js';
import { quoteName } from '../field-name.js';
import { openNpzFile } from '../npz.js';
import { isFloatStorage, type StoredTensor } from '../storage.js';
import type { TensorFile } from '../tensor-file.js';
import { createLayout } from './layout.js';
import { streamOf } from './reader-stream.js';
import type { FormatImplementation, SequenceLayout, SequenceReader } from './sequences.js';
import {
  isPacked,
  readerOfNamed,
  readerOfRows,
  readNamedLayout,
  readPackedLayout,
  rowsName,
} from './tensor-layouts.js';

export const npzFormat: FormatImplementation = {
  openReader,
  openStream: async (source) => streamOf(await openReader(source.path), source),
};

async function openReader(path: string): Promise<SequenceReader> {
  const file = await openNpzFile(path);
  try {
    if (isPacked(file)) return readerOfRows(file, await readPackedLayout(file), rowsName);
    const [first, ...others] = file.tensors;
    if (first?.[1].shape.length === 3 && others.length === 0) {
      return readerOfRows(file, stackedLayout(file, first), first[0]);
    }
    return readerOfNamed(file, readNamedLayout(file));
  } catch (error) {
    await file.close();
    throw error;
  }
}

function stackedLayout(
  { path }: TensorFile,
  [name, { dtype, shape }]: [string, StoredTensor],
): SequenceLayout {
  if (!isFloatStorage(dtype)) throw invalidFile(path, 'a float type', `${quoteName(name)}.dtype`, dtype);
  const [count, tokens, modelDim] = shape as [number, number, number];
  // Without tokens no data would bound the number of sequences, and a header alone could ask for any memory.
  if (modelDim === 0 || (tokens === 0 && count > 0)) {
    const what = 'at least one token a sequence and one number a token';
    throw invalidFile(path, what, `${quoteName(name)}.shape`, shape);
  }
  return createLayout({ form: 'stacked', modelDim, lengths: new Array<number>(count).fill(tokens) });
}
