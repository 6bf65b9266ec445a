// Sequences as one tensor [count, tokens, modelDim]: all of them equally long, or padded, with their lengths beside
// them as [count], or as a mask [count, tokens] of zeros and ones. Padding is not read.
import { runSteps } from '../../core/breather.js';
import { invalidFile, type HeadpoolError } from '../../core/errors.js';
import { elementsOfStep, findIndex, repeat, type Steps } from '../../core/steps.js';
import type { Shape } from '../../core/tensor/shape.js';
import { quoteName } from '../field-name.js';
import { isFloatStorage, isIntegerStorage } from '../storage.js';
import type { TensorFile } from '../tensor-file.js';
import { layOut, locateElements, mostSequences } from './layout.js';
import type { SequenceLayout, SequenceReader } from './sequences.js';
import { readerOf, readerOfRows } from './tensor-layouts.js';

/** Where no data bound the number of sequences, a header alone could ask for any memory. */
const mostWithoutData = 2 ** 20;

/** The tokens of each sequence that are no padding follow one another. */
interface Padding {
  /** The first token of each. */
  readonly starts: readonly number[];
  readonly lengths: readonly number[];
}

/**
 * The layout of [count, tokens, modelDim], sequences without tokens included.
 * @param field names the shape in messages
 * @throws INVALID_FILE if tokens have no numbers, or too many sequences no tokens
 */
export function* layOutStacked(path: string, shape: Shape, field: string): Steps<SequenceLayout> {
  const [count, tokens, modelDim] = shape;
  if (shape.length !== 3 || count === undefined || tokens === undefined || !modelDim) {
    throw invalidFile(path, '[sequences, tokens, modelDim]', field, shape);
  }
  if (tokens === 0 && count > mostWithoutData) {
    throw invalidFile(path, `at most ${mostWithoutData} sequences without tokens`, field, shape);
  }
  if (count > mostSequences) throw invalidFile(path, `at most ${mostSequences} sequences`, field, shape);
  return yield* layOut({ form: 'stacked', modelDim, lengths: yield* repeat(tokens, count) });
}

/**
 * The sequences of tensor `name`.
 * @param lengths the tensor that says which tokens are no padding
 * @throws INVALID_FILE naming the tensor that is of another type or shape
 */
export async function readerOfStacked(
  file: TensorFile,
  name: string,
  lengths: string | undefined,
): Promise<SequenceReader> {
  const { dtype, shape } = file.tensors.get(name)!;
  if (!isFloatStorage(dtype)) throw invalidFile(file.path, 'a float type', `${quoteName(name)}.dtype`, dtype);
  const padded = await runSteps(layOutStacked(file.path, shape, `${quoteName(name)}.shape`));
  if (lengths === undefined) return readerOfRows(file, padded, name);
  const padding = await readPadding(file, lengths, shape);
  const { modelDim } = padded;
  const layout = await runSteps(layOut({ modelDim, lengths: padding.lengths }));
  return readerOf(file, layout, async (first, count, data) => {
    const { begin: origin } = locateElements(layout, { first, count, data });
    for (let index = first; index < first + count; index++) {
      const { begin, end } = locateElements(layout, { first: index, count: 1 });
      if (end === begin) continue;
      const row = padded.offsets[index]! + padding.starts[index]!;
      await file.readFloat32(name, data.subarray(begin - origin, end - origin), row * modelDim);
    }
  });
}

async function readPadding(file: TensorFile, name: string, padded: Shape): Promise<Padding> {
  const { path, tensors } = file;
  const [count, tokens] = padded as readonly [number, number];
  const { dtype, shape } = tensors.get(name)!;
  const isMask = shape.length === 2;
  if (shape[0] !== count || shape.length > 2 || (isMask && shape[1] !== tokens)) {
    throw invalidFile(path, `[${count}] or [${count}, ${tokens}]`, `${quoteName(name)}.shape`, shape);
  }
  if (!isIntegerStorage(dtype) && !(isMask && dtype === 'BOOL')) {
    throw invalidFile(path, 'integers, or booleans in a mask', `${quoteName(name)}.dtype`, dtype);
  }
  const numbers = dtype === 'BOOL' ? await file.readBooleans(name) : await file.readIntegers(name);
  return runSteps((isMask ? paddingOfMask : paddingOfLengths)(numbers, { path, name, count, tokens }));
}

interface PaddingPlace {
  readonly path: string;
  readonly name: string;
  readonly count: number;
  readonly tokens: number;
}

type Numbers = Float64Array | Uint8Array;

/** @throws INVALID_FILE unless each length is one that a sequence can have */
function* paddingOfLengths(numbers: Numbers, { path, name, count, tokens }: PaddingPlace): Steps<Padding> {
  const odd = yield* findIndex(numbers, (length) => length < 0 || length > tokens);
  if (odd >= 0) throw invalidFile(path, `0 to ${tokens}`, `${quoteName(name)}[${odd}]`, numbers[odd]);
  const lengths: number[] = [];
  for (const length of numbers) if (lengths.push(length) % elementsOfStep === 0) yield;
  return { starts: yield* repeat(0, count), lengths };
}

/** @throws INVALID_FILE unless each row of the mask has nothing but zeros around ones that follow one another */
function* paddingOfMask(mask: Numbers, { path, name, count, tokens }: PaddingPlace): Steps<Padding> {
  const starts: number[] = [];
  const lengths: number[] = [];
  const refuse = (what: string, row: number, token: number, value: number): HeadpoolError =>
    invalidFile(path, what, `${quoteName(name)}[${row}, ${token}]`, value);
  for (let n = 0, at = 0; n < count; n++) {
    let [start, length] = [0, 0];
    for (let token = 0; token < tokens; token++) {
      const value = mask[at]!;
      if (++at % elementsOfStep === 0) yield;
      if (value !== 0 && value !== 1) throw refuse('0 or 1', n, token, value);
      if (value === 0) continue;
      if (length === 0) start = token;
      else if (start + length !== token)
        throw refuse('0, since ones must follow one another,', n, token, value);
      length++;
    }
    starts.push(start);
    lengths.push(length);
  }
  return { starts, lengths };
}
