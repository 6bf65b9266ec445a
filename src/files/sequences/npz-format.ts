// Sequences in a .npz file of NumPy: packed as `x` and `offsets`, an array [count, tokens, modelDim], or any arrays
// [tokens, modelDim], each a sequence with a name.
import { openNpzFile } from '../npz.js';
import { withSpooledInput } from '../spooled-input.js';
import { streamOf } from './reader-stream.js';
import type { FormatImplementation, SequenceReader, TensorChoice } from './sequences.js';
import { openTensorSequences } from './tensor-sequences.js';

export const npzFormat: FormatImplementation = {
  openReader,
  openStream: async (source) => {
    const { path, bytes, tensors } = source;
    // The directory of an archive stands at its end.
    const open = async (file: string) => openTensorSequences(await openNpzFile(file, path), tensors);
    return streamOf(
      await (bytes === undefined ? open(path) : withSpooledInput({ path, bytes }, open)),
      source,
    );
  },
};

async function openReader(path: string, choice?: TensorChoice): Promise<SequenceReader> {
  return openTensorSequences(await openNpzFile(path), choice);
}
