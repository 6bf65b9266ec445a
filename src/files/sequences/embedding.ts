// The tables of a .safetensors file that turn token ids into rows: embeddings and, where there are some, positions.
import { HeadpoolError, invalidFile } from '../../core/errors.js';
import { didYouMean } from '../../core/suggest.js';
import type { Tensor } from '../../core/tensor/tensor.js';
import { quoteName } from '../field-name.js';
import { readStateDict } from '../state-dict.js';
import type { Embedding } from './sequences.js';

export interface EmbeddingSource {
  /** Of a .safetensors file. */
  readonly path: string;
  /** The name of the table [vocabulary, modelDim]. */
  readonly embeddingTensor: string;
  /** The name of the table [most tokens, modelDim] that is added to it; default none. */
  readonly positionTensor?: string | undefined;
}

/**
 * Reads the tables into shared memory as float32, whichever floats they are stored as.
 * @throws INVALID_FILE if a tensor is missing or of another shape, FILE_FAILED, MEMORY_LIMIT
 */
export async function openEmbedding(source: EmbeddingSource): Promise<Embedding> {
  const { path, embeddingTensor, positionTensor } = source;
  const present: string[] = [];
  const select = (name: string): boolean => {
    present.push(name);
    return name === embeddingTensor || name === positionTensor;
  };
  const tensors = await readStateDict(path, { select });
  const take = (name: string): Tensor => {
    const tensor = tensors.get(name);
    if (tensor !== undefined) return tensor;
    const { message } = invalidFile(path, 'a tensor of floats', quoteName(name), undefined);
    throw new HeadpoolError('INVALID_FILE', message + didYouMean(name, present));
  };

  const embeddings = take(embeddingTensor);
  const [vocabulary, modelDim] = embeddings.shape;
  if (embeddings.shape.length !== 2 || !vocabulary || !modelDim) {
    throw invalidFile(
      path,
      '[vocabulary, modelDim]',
      `${quoteName(embeddingTensor)}.shape`,
      embeddings.shape,
    );
  }
  if (positionTensor === undefined) {
    const embed = createEmbed(modelDim, embeddings.data);
    return { modelDim, vocabulary, mostTokens: Infinity, embed };
  }
  const positions = take(positionTensor);
  const [mostTokens, width] = positions.shape;
  if (positions.shape.length !== 2 || !mostTokens || width !== modelDim) {
    const field = `${quoteName(positionTensor)}.shape`;
    throw invalidFile(path, `[tokens, ${modelDim}]`, field, positions.shape);
  }
  return { modelDim, vocabulary, mostTokens, embed: createEmbed(modelDim, embeddings.data, positions.data) };
}

function createEmbed(modelDim: number, table: Float32Array, positions?: Float32Array): Embedding['embed'] {
  return (ids, target) => {
    for (const [token, id] of ids.entries()) {
      target.set(table.subarray(id * modelDim, (id + 1) * modelDim), token * modelDim);
    }
    if (positions === undefined) return;
    // float64 holds the sum of two float32 well enough for it to be rounded once.
    for (let at = 0; at < ids.length * modelDim; at++) target[at] = target[at]! + positions[at]!;
  };
}
