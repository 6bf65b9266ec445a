// Which tensors of a file are its sequences: what was chosen, packed rows, one stacked tensor, or a tensor a sequence.
import { runSteps } from '../../core/breather.js';
import { HeadpoolError, invalidFile } from '../../core/errors.js';
import { didYouMean } from '../../core/suggest.js';
import { quoteName } from '../field-name.js';
import type { TensorFile } from '../tensor-file.js';
import { createLayout } from './layout.js';
import type { SequenceLayout, SequenceReader, TensorChoice } from './sequences.js';
import { readerOfStacked } from './stacked-layout.js';
import {
  isPacked,
  layOutNamed,
  readerOfNamed,
  readerOfRows,
  readPackedLayout,
  rowShape,
  rowsName,
} from './tensor-layouts.js';

/** What says which tokens of a stacked tensor are no padding, where it stands beside one. */
const paddingNames: readonly string[] = ['lengths', 'attention_mask'];

/**
 * The sequences of an open file, which closes with them, or now if this throws.
 * @param named adds names to a packed layout, from the tensors that it names in `beside`
 * @throws INVALID_FILE naming the tensor that isn't there or doesn't fit
 */
export async function openTensorSequences(
  file: TensorFile,
  choice: TensorChoice = {},
  named?: { readonly beside: string; readonly add: (layout: SequenceLayout) => Promise<SequenceLayout> },
): Promise<SequenceReader> {
  try {
    const { tensor, lengths } = choice;
    for (const name of [tensor, lengths]) if (name !== undefined) requireTensor(file, name);
    const isRows = tensor === undefined || tensor === rowsName;
    if (!isPacked(file) || !isRows || lengths !== undefined) return await openChosen(file, choice);
    const beside = tensor === undefined ? (named ? [named.beside] : []) : [...file.tensors.keys()];
    const layout = await readPackedLayout(file, beside);
    return readerOfRows(file, (await named?.add(layout)) ?? layout, rowsName);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openChosen(file: TensorFile, { tensor, lengths }: TensorChoice): Promise<SequenceReader> {
  const { path, tensors } = file;
  const padding = lengths === undefined ? paddingNames.filter((name) => tensors.has(name)) : [lengths];
  const others = [...tensors.keys()].filter((name) => !padding.includes(name));
  const only = tensor ?? (others.length === 1 ? others[0] : undefined);
  if (only !== undefined && tensors.get(only)!.shape.length === 3) {
    const [first, second] = padding.filter((name) => name !== only);
    if (second === undefined) return readerOfStacked(file, only, first);
    throw invalidFile(path, '`--lengths` to choose one of several', 'tensors', padding);
  }
  if (lengths !== undefined) {
    const what = `a tensor [sequences, tokens, modelDim]${tensor === undefined ? ' alone beside it' : ''}`;
    const found = tensor === undefined ? others : tensors.get(tensor)!.shape;
    throw invalidFile(path, what, tensor === undefined ? 'tensors' : `${quoteName(tensor)}.shape`, found);
  }
  if (tensor === undefined) return readerOfNamed(file, await runSteps(layOutNamed(file)));
  const [tokens, modelDim] = rowShape(file, tensor);
  return readerOfRows(file, createLayout({ form: 'single', modelDim, lengths: [tokens] }), tensor);
}

function requireTensor({ path, tensors }: TensorFile, name: string): void {
  if (tensors.has(name)) return;
  const names = [...tensors.keys()];
  const { message } = invalidFile(
    path,
    `one of the tensors ${names.slice(0, 10).map(quoteName).join(', ')}`,
    'tensor',
    name,
  );
  throw new HeadpoolError('INVALID_FILE', message + didYouMean(name, names));
}
