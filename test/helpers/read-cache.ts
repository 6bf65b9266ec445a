// What a cache of one sequence holds, read through its layer: the scores of queries that are one dim of a head are its
// keys, and what a query of zeros gathers from the one key that it may attend is that key's value.
import type { KeyValueCache, MultiHeadAttention, Tensor } from '../../src/index.js';
import { createTensor } from '../../src/core/tensor/tensor.js';
import { layerWeights, type LayerWidths } from './layer-case.js';

type Weight = ReturnType<typeof layerWeights>['query']['weight'];

/** Values read by one call. */
const blockTokens = 128;

/**
 * Weights of a layer whose cache can be read. The last headDim inputs are added to the queries of every head and
 * nothing else; the output is the concatenation.
 */
export function readableWeights(widths: LayerWidths): ReturnType<typeof layerWeights> {
  const { heads, headDim, valueDim = headDim, modelDim } = widths;
  const outputDim = heads * valueDim;
  const { query, key, value } = layerWeights({ ...widths, outputDim });
  const withoutTail = (weight: Weight): Tensor =>
    createTensor(
      weight.shape,
      Float32Array.from(weight.data, (number, n) => (n % modelDim >= modelDim - headDim ? 0 : number)),
    );
  const tailOfQuery = Float32Array.from(query.weight.data, (number, n) => {
    const dim = (n % modelDim) - (modelDim - headDim);
    if (dim < 0) return number;
    return dim === Math.floor(n / modelDim) % headDim ? 1 : 0;
  });
  return {
    query: { weight: createTensor(query.weight.shape, tailOfQuery) },
    key: { ...key, weight: withoutTail(key.weight) },
    value: { ...value, weight: withoutTail(value.weight) },
    output: identity(outputDim),
  };
}

export function identity(width: number): { readonly weight: Tensor } {
  const data = Array.from({ length: width * width }, (_, n) => (n % (width + 1) === 0 ? 1 : 0));
  return { weight: createTensor([width, width], data) };
}

export interface HeldRows {
  readonly keys: Tensor; // [1, tokens, kvHeads · headDim]
  readonly values: Tensor; // [1, tokens, kvHeads · valueDim]
}

/** The cache must have room for headDim more tokens, and for blockTokens more. */
export async function readCache(layer: MultiHeadAttention, cache: KeyValueCache): Promise<HeldRows> {
  return { keys: await readKeys(layer, cache), values: await readValues(layer, cache) };
}

async function readKeys(layer: MultiHeadAttention, cache: KeyValueCache): Promise<Tensor> {
  const { heads, kvHeads, headDim, modelDim } = layer;
  const tokens = cache.tokens[0]!;
  const x = createTensor([1, headDim, modelDim]);
  for (let d = 0; d < headDim; d++) x.data[d * modelDim + modelDim - headDim + d] = 1;
  const { scores } = await layer.forward(x, { cache, scale: 1, returnScores: 'scaled' });
  cache.truncate(tokens);
  const [data, columns] = [scores!.data, tokens + headDim];
  const keys = createTensor([1, tokens, kvHeads * headDim]);
  keys.data.forEach((_, n) => {
    const [token, at] = [Math.floor(n / (kvHeads * headDim)), n % (kvHeads * headDim)];
    const head = Math.floor(at / headDim) * (heads / kvHeads);
    keys.data[n] = data[(head * headDim + (at % headDim)) * columns + token]!;
  });
  return keys;
}

async function readValues(layer: MultiHeadAttention, cache: KeyValueCache): Promise<Tensor> {
  const { heads, kvHeads, valueDim, modelDim } = layer;
  const tokens = cache.tokens[0]!;
  const values = createTensor([1, tokens, kvHeads * valueDim]);
  for (let first = 0; first < tokens; first += blockTokens) {
    const count = Math.min(blockTokens, tokens - first);
    const columns = tokens + count;
    const mask = { shape: [count, columns], data: new Uint8Array(count * columns) };
    for (let n = 0; n < count; n++) mask.data[n * columns + first + n] = 1;
    const { output } = await layer.forward(createTensor([1, count, modelDim]), { cache, mask });
    cache.truncate(tokens);
    for (let n = 0; n < count * kvHeads * valueDim; n++) {
      const [token, at] = [Math.floor(n / (kvHeads * valueDim)), n % (kvHeads * valueDim)];
      const head = Math.floor(at / valueDim) * (heads / kvHeads);
      values.data[first * kvHeads * valueDim + n] =
        output.data[(token * heads + head) * valueDim + (at % valueDim)]!;
    }
  }
  return values;
}
