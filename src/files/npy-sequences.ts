// Sequences in a .npy file: [count, tokens, modelDim], or a single one [tokens, modelDim].
import { expected, invalidFile } from '../errors.js';
import { formatNpyHeader } from './npy.js';
import { createRowWriter } from './row-writer.js';
import { createLayout, locateElements } from './sequence-layout.js';
import type { SequenceFormat, SequenceLayout, SequenceReader } from './sequences.js';
import { isFloatStorage, type StoredTensor } from './storage.js';
import { npyTensorName, openTensorFile } from './tensor-file.js';

export const npySequences: SequenceFormat = {
  extension: '.npy',
  openReader,
  createWriter: (path, layout, { partialPath }) =>
    createRowWriter({ path, layout, prologue: formatNpyHeader('F32', shapeOf(layout)), partialPath }),
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

function shapeOf({ form, count, lengths, modelDim }: SequenceLayout): number[] {
  const tokens = lengths[0] ?? 0;
  const odd = lengths.findIndex((length) => length !== tokens);
  if (odd >= 0) {
    const what = `${tokens} tokens like the first, since .npy holds equal lengths only,`;
    throw expected('INVALID_OPTION', what, `lengths[${odd}]`, lengths[odd]);
  }
  if (tokens === 0 && count > 0 && form !== 'single') {
    throw expected('INVALID_OPTION', 'at least one token a sequence in .npy', 'lengths[0]', tokens);
  }
  return form === 'single' ? [tokens, modelDim] : [count, tokens, modelDim];
}
