// Sequences in a .safetensors file: packed as `x` [rows, modelDim] with `offsets` [count + 1], or any float tensors
// [tokens, modelDim], each a sequence with a name.
import { invalidFile } from '../errors.js';
import { quoteName } from './field-name.js';
import { createRowWriter } from './row-writer.js';
import { formatSafetensorsHeader } from './safetensors.js';
import { createLayout, locateElements } from './sequence-layout.js';
import type { SequenceFormat, SequenceLayout, SequenceReader } from './sequences.js';
import { isFloatStorage } from './storage.js';
import { openTensorFile, type TensorFile } from './tensor-file.js';

const rowsName = 'x';
const offsetsName = 'offsets';

export const safetensorsSequences: SequenceFormat = {
  extension: '.safetensors',
  openReader,
  createWriter: (path, layout, { metadata, partialPath }) =>
    createRowWriter({ path, layout, prologue: formatPrologue(layout, metadata), partialPath }),
};

async function openReader(path: string): Promise<SequenceReader> {
  const file = await openTensorFile(path);
  try {
    const isPacked = file.tensors.has(rowsName) && file.tensors.has(offsetsName);
    const layout = isPacked ? await readPackedLayout(file) : readNamedLayout(file);
    const read = isPacked ? readPacked : readNamed;
    return {
      ...layout,
      path,
      metadata: file.metadata,
      read: (first, count, target) => read(file, layout, { first, count, data: target }),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readPackedLayout(file: TensorFile): Promise<SequenceLayout> {
  const { path, tensors } = file;
  for (const name of tensors.keys()) {
    if (name !== rowsName && name !== offsetsName) {
      throw invalidFile(path, `nothing beside ${rowsName} and ${offsetsName}`, 'tensors', name);
    }
  }
  const [rows, modelDim] = rowShape(file, rowsName);
  const { dtype, shape } = tensors.get(offsetsName)!;
  if (dtype !== 'I32' && dtype !== 'I64') {
    throw invalidFile(path, 'I32 or I64', `${offsetsName}.dtype`, dtype);
  }
  if (shape.length !== 1 || shape[0] === 0) {
    throw invalidFile(path, '[sequences + 1]', `${offsetsName}.shape`, shape);
  }
  const offsets = await file.readIntegers(offsetsName);
  const lengths = Array.from(offsets.subarray(1), (offset, index) => offset - offsets[index]!);
  if (offsets[0] !== 0) throw invalidFile(path, '0', `${offsetsName}[0]`, offsets[0]);
  const falling = lengths.findIndex((length) => length < 0);
  if (falling >= 0) {
    const what = `at least the ${offsets[falling]!} before it`;
    throw invalidFile(path, what, `${offsetsName}[${falling + 1}]`, offsets[falling + 1]);
  }
  const last = lengths.length;
  if (offsets[last] !== rows) {
    throw invalidFile(path, `the ${rows} rows of ${rowsName}`, `${offsetsName}[${last}]`, offsets[last]);
  }
  return createLayout({ form: 'packed', modelDim, lengths });
}

function readNamedLayout(file: TensorFile): SequenceLayout {
  const names = [...file.tensors.keys()];
  const first = names[0];
  if (first === undefined) throw invalidFile(file.path, 'at least one tensor', 'tensors', names);
  const [, modelDim] = rowShape(file, first);
  const lengths = names.map((name) => {
    const [tokens, width] = rowShape(file, name);
    if (width === modelDim) return tokens;
    const what = `${modelDim} numbers a token, as in ${quoteName(first)},`;
    throw invalidFile(file.path, what, `${quoteName(name)}.shape`, [tokens, width]);
  });
  return createLayout({ form: 'named', modelDim, lengths, names });
}

/** [tokens, modelDim] of a tensor that must hold rows of floats. */
function rowShape({ path, tensors }: TensorFile, name: string): readonly [number, number] {
  const { dtype, shape } = tensors.get(name)!;
  if (!isFloatStorage(dtype)) throw invalidFile(path, 'a float type', `${quoteName(name)}.dtype`, dtype);
  const [tokens, modelDim] = shape;
  if (shape.length !== 2 || tokens === undefined || modelDim === undefined || modelDim === 0) {
    throw invalidFile(path, '[tokens, modelDim]', `${quoteName(name)}.shape`, shape);
  }
  return [tokens, modelDim];
}

interface Range {
  readonly first: number;
  readonly count: number;
  readonly data: Float32Array;
}

async function readPacked(file: TensorFile, layout: SequenceLayout, range: Range): Promise<void> {
  await file.readFloat32(rowsName, range.data, locateElements(layout, range).begin);
}

async function readNamed(file: TensorFile, layout: SequenceLayout, range: Range): Promise<void> {
  const { first, count, data } = range;
  const { begin: origin } = locateElements(layout, range);
  for (let index = first; index < first + count; index++) {
    const { begin, end } = locateElements(layout, { first: index, count: 1 });
    await file.readFloat32(layout.names![index]!, data.subarray(begin - origin, end - origin));
  }
}

/** The header, and for packed sequences their offsets: the 64-bit numbers come first, so that all are aligned. */
function formatPrologue(layout: SequenceLayout, metadata?: ReadonlyMap<string, string>): Uint8Array {
  const { modelDim, names, lengths, offsets } = layout;
  if (names !== undefined) {
    const rows = names.map((name, index) => {
      return { name, dtype: 'F32' as const, shape: [lengths[index]!, modelDim] };
    });
    return formatSafetensorsHeader(rows, metadata).bytes;
  }
  const { bytes } = formatSafetensorsHeader(
    [
      { name: offsetsName, dtype: 'I64', shape: [offsets.length] },
      { name: rowsName, dtype: 'F32', shape: [offsets.at(-1)!, modelDim] },
    ],
    metadata,
  );
  const numbers = BigInt64Array.from(offsets, BigInt);
  return Buffer.concat([bytes, new Uint8Array(numbers.buffer)]);
}
