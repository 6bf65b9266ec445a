// Sequences as the tensors of a file, whatever its format: packed as `x` [rows, modelDim] with `offsets` [count + 1],
// or any float tensors [tokens, modelDim] or [1, tokens, modelDim], each a sequence with a name.
import { runSteps } from '../../core/breather.js';
import { invalidFile } from '../../core/errors.js';
import { elementsOfStep, type Steps } from '../../core/steps.js';
import type { Shape } from '../../core/tensor/shape.js';
import { quoteName } from '../field-name.js';
import { isFloatStorage } from '../storage.js';
import type { TensorFile } from '../tensor-file.js';
import { layOut, locateElements, mostSequences } from './layout.js';
import type { SequenceLayout, SequenceReader } from './sequences.js';

export const rowsName = 'x';
export const offsetsName = 'offsets';

/** Some hundred microseconds' worth. */
const namesOfStep = 2 ** 9;

export function isPacked({ tensors }: TensorFile): boolean {
  return tensors.has(rowsName) && tensors.has(offsetsName);
}

/** @throws INVALID_FILE if rows and offsets don't fit, or anything is beside them but the tensors named in `beside` */
export async function readPackedLayout(
  file: TensorFile,
  beside: readonly string[] = [],
): Promise<SequenceLayout> {
  const { path, tensors } = file;
  const known = [rowsName, offsetsName, ...beside];
  for (const name of tensors.keys()) {
    if (known.includes(name)) continue;
    throw invalidFile(
      path,
      `nothing beside ${known.slice(0, -1).join(', ')} and ${known.at(-1)!}`,
      'tensors',
      name,
    );
  }
  const [rows, modelDim] = rowShape(file, rowsName);
  const { dtype, shape } = tensors.get(offsetsName)!;
  if (dtype !== 'I32' && dtype !== 'I64') {
    throw invalidFile(path, 'I32 or I64', `${offsetsName}.dtype`, dtype);
  }
  if (shape.length !== 1 || shape[0] === 0) {
    throw invalidFile(path, '[sequences + 1]', `${offsetsName}.shape`, shape);
  }
  if (shape[0]! > mostSequences + 1) {
    throw invalidFile(path, `offsets of at most ${mostSequences} sequences`, `${offsetsName}.shape`, shape);
  }
  const offsets = await file.readIntegers(offsetsName);
  return runSteps(layOutBetween(offsets, { path, rows, modelDim }));
}

/** @throws INVALID_FILE unless the offsets rise from 0 to the number of rows */
function* layOutBetween(
  offsets: Float64Array,
  { path, rows, modelDim }: { path: string; rows: number; modelDim: number },
): Steps<SequenceLayout> {
  if (offsets[0] !== 0) throw invalidFile(path, '0', `${offsetsName}[0]`, offsets[0]);
  const lengths: number[] = [];
  for (let before = 0, index = 1; index < offsets.length; before = offsets[index++]!) {
    const length = offsets[index]! - before;
    if (length < 0) {
      throw invalidFile(path, `at least the ${before} before it`, `${offsetsName}[${index}]`, offsets[index]);
    }
    lengths.push(length);
    if (index % elementsOfStep === 0) yield;
  }
  const last = lengths.length;
  if (offsets[last] !== rows) {
    throw invalidFile(path, `the ${rows} rows of ${rowsName}`, `${offsetsName}[${last}]`, offsets[last]);
  }
  return yield* layOut({ form: 'packed', modelDim, lengths });
}

/** @throws INVALID_FILE if there is no tensor, or one that holds no rows of floats as long as the others' */
export function* layOutNamed(file: TensorFile): Steps<SequenceLayout> {
  const names = [...file.tensors.keys()];
  const first = names[0];
  if (first === undefined) throw invalidFile(file.path, 'at least one tensor', 'tensors', names);
  const [, modelDim] = sequenceShape(file, first);
  const lengths: number[] = [];
  for (const name of names) {
    const [tokens, width] = sequenceShape(file, name);
    if (width !== modelDim) {
      const what = `${modelDim} numbers a token, as in ${quoteName(first)},`;
      throw invalidFile(file.path, what, `${quoteName(name)}.shape`, [tokens, width]);
    }
    if (lengths.push(tokens) % namesOfStep === 0) yield;
  }
  return yield* layOut({ form: 'named', modelDim, lengths, names });
}

/** [tokens, modelDim] of a tensor that must hold one sequence, among others that do. */
function sequenceShape(file: TensorFile, name: string): readonly [number, number] {
  const { dtype, shape } = file.tensors.get(name)!;
  const field = quoteName(name);
  // One tensor of floats among others of another kind is what models leave; which is meant only its owner knows.
  if (!isFloatStorage(dtype))
    throw invalidFile(file.path, `a float type${choosing(file)}`, `${field}.dtype`, dtype);
  if (shape.length === 3 && shape[0] === 1) return floatRows(file, name, shape.slice(1));
  if (shape.length === 3) {
    const what = `[tokens, modelDim] or [1, tokens, modelDim]${choosing(file)}`;
    throw invalidFile(file.path, what, `${field}.shape`, shape);
  }
  return rowShape(file, name);
}

/** What to do about a file of several tensors, not all of which are sequences. */
function choosing({ tensors }: TensorFile): string {
  return tensors.size > 1 ? ', or `--tensor` to choose one of several,' : '';
}

/** [tokens, modelDim] of a tensor that must hold rows of floats. */
export function rowShape(file: TensorFile, name: string): readonly [number, number] {
  return floatRows(file, name, file.tensors.get(name)!.shape);
}

function floatRows({ path, tensors }: TensorFile, name: string, shape: Shape): readonly [number, number] {
  const { dtype } = tensors.get(name)!;
  if (!isFloatStorage(dtype)) throw invalidFile(path, 'a float type', `${quoteName(name)}.dtype`, dtype);
  const [tokens, modelDim] = shape;
  if (shape.length !== 2 || tokens === undefined || modelDim === undefined || modelDim === 0) {
    throw invalidFile(path, '[tokens, modelDim]', `${quoteName(name)}.shape`, shape);
  }
  return [tokens, modelDim];
}

/** The reader of a file whose rows are all in tensor `rows`. */
export function readerOfRows(file: TensorFile, layout: SequenceLayout, rows: string): SequenceReader {
  return readerOf(file, layout, async (first, count, data) => {
    await file.readFloat32(rows, data, locateElements(layout, { first, count, data }).begin);
  });
}

/** The reader of a file with a tensor a sequence. */
export function readerOfNamed(file: TensorFile, layout: SequenceLayout): SequenceReader {
  return readerOf(file, layout, async (first, count, data) => {
    const { begin: origin } = locateElements(layout, { first, count, data });
    for (let index = first; index < first + count; index++) {
      const { begin, end } = locateElements(layout, { first: index, count: 1 });
      await file.readFloat32(layout.names![index] as string, data.subarray(begin - origin, end - origin));
    }
  });
}

export function readerOf(
  file: TensorFile,
  layout: SequenceLayout,
  read: SequenceReader['read'],
): SequenceReader {
  return { ...layout, path: file.path, metadata: file.metadata, read, close: () => file.close() };
}
