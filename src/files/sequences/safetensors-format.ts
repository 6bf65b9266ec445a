// Sequences in a .safetensors file: packed as `x` [rows, modelDim] with `offsets` [count + 1], a tensor [count, tokens,
// modelDim], or any float tensors [tokens, modelDim], each a sequence with a name. A packed file may name its sequences in `ids`, a JSON array as bytes.
import { runSteps } from '../../core/breather.js';
import { invalidFile } from '../../core/errors.js';
import { elementsOfStep, type Steps } from '../../core/steps.js';
import { parseJson } from '../parse-json.js';
import { openTensorFile, type TensorFile } from '../tensor-file.js';
import { streamOf } from './reader-stream.js';
import { createSafetensorsEncoder, idsName } from './safetensors-encoder.js';
import type { FormatImplementation, SequenceName, SequenceReader, TensorChoice } from './sequences.js';
import { openTensorSequences } from './tensor-sequences.js';

export const safetensorsFormat: FormatImplementation = {
  openReader,
  openStream: async (source) => streamOf(await openReader(source.path, source.tensors), source),
  createEncoder: (outline) => Promise.resolve(createSafetensorsEncoder(outline)),
};

async function openReader(path: string, choice?: TensorChoice): Promise<SequenceReader> {
  const file = await openTensorFile(path);
  return openTensorSequences(file, choice, {
    beside: idsName,
    add: async (layout) =>
      file.tensors.has(idsName) ? { ...layout, names: await readIds(file, layout.count) } : layout,
  });
}

async function readIds(file: TensorFile, count: number): Promise<SequenceName[]> {
  const { dtype } = file.tensors.get(idsName)!;
  if (dtype !== 'U8') throw invalidFile(file.path, 'U8', `${idsName}.dtype`, dtype);
  const text = await runSteps(textOf(await file.readIntegers(idsName)));
  const ids = await parseArray(text);
  if (ids?.length !== count) {
    throw invalidFile(file.path, `a JSON array of ${count} names`, idsName, ids ?? text);
  }
  const odd = ids.findIndex((id) => !isName(id));
  if (odd >= 0) throw invalidFile(file.path, 'a string, an integer or null', `${idsName}[${odd}]`, ids[odd]);
  return ids as SequenceName[];
}

/** The bytes of a text were read as numbers. */
function* textOf(numbers: Float64Array): Steps<string> {
  const bytes = Buffer.alloc(numbers.length);
  for (let at = 0; at < numbers.length; at += elementsOfStep) {
    bytes.set(numbers.subarray(at, at + elementsOfStep), at);
    yield;
  }
  return bytes.toString();
}

async function parseArray(text: string): Promise<readonly unknown[] | undefined> {
  try {
    const value = await runSteps(parseJson(text));
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isName(id: unknown): id is SequenceName {
  return id === null || typeof id === 'string' || Number.isSafeInteger(id);
}
