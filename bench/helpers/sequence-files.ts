// Files of sequences and of weights: read, written, and outputs held against the oracle.
import { readStateDict, weightsFromTorch, type MultiHeadWeights, type Tensor } from '../../src/index.js';
import { openSequences } from '../../src/files/sequences/formats.js';
import { createSequenceWriter } from '../../src/files/sequences/sequence-writer.js';
import type { SequenceReader } from '../../src/files/sequences/sequences.js';
import { createTensor } from '../../src/core/tensor/tensor.js';
import { normalTensor } from '../../src/measure/cases/inputs.js';
import { checkRows } from './layer.js';

export async function readWeights(path: string): Promise<MultiHeadWeights> {
  return weightsFromTorch(await readStateDict(path));
}

export interface RandomSequences {
  readonly lengths: readonly number[];
  readonly modelDim: number;
  readonly seed: number;
}

/** Standard normal numbers. */
export async function writeSequences(
  path: string,
  { lengths, modelDim, seed }: RandomSequences,
): Promise<void> {
  const writer = await createSequenceWriter(path, { modelDim });
  for (const [index, length] of lengths.entries()) {
    await writer.append({ lengths: [length] }, normalTensor([length, modelDim], seed + index).data);
  }
  await writer.commit();
}

export interface CheckedFiles {
  readonly input: string;
  readonly output: string;
  readonly weights: MultiHeadWeights;
  readonly heads: number;
}

/**
 * Three rows each of the first, the middle and the last sequence, and of the longest one.
 * @throws RangeError if a row is wrong, or a sequence missing
 */
export async function checkOutput({ input, output, weights, heads }: CheckedFiles): Promise<void> {
  const from = await openSequences(input);
  const to = await openSequences(output);
  try {
    const { count, lengths } = from;
    if (String(to.lengths) !== String(lengths))
      throw new RangeError(`${output} has other lengths than ${input}`);
    const longest = lengths.reduce((best, length, index) => (length > lengths[best]! ? index : best), 0);
    for (const sequence of new Set([0, count >> 1, count - 1, longest])) {
      const x = await readSequence(from, sequence);
      const y = await readSequence(to, sequence);
      checkRows(`Sequence ${sequence}`, { x, y, weights, heads });
    }
  } finally {
    await from.close();
    await to.close();
  }
}

async function readSequence(reader: SequenceReader, sequence: number): Promise<Tensor> {
  const tensor = createTensor([reader.lengths[sequence]!, reader.modelDim]);
  await reader.read(sequence, 1, tensor.data);
  return tensor;
}
