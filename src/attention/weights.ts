// The weights of a multi-head attention layer: what callers give, checked against the heads.
import { expected, HeadpoolError } from '../core/errors.js';
import { unexpectedShape } from '../core/tensor/shape.js';
import type { TensorLike } from '../core/tensor/tensor.js';
import type { Heads } from '../core/protocol/layout.js';
import { shareFloats, type SharedFloats } from './share-operands.js';

/** y = x · weightᵀ + bias, as PyTorch's `nn.Linear` stores it. */
export interface LinearWeights {
  readonly weight: TensorLike; // [out, in]
  readonly bias?: TensorLike; // [out]
}

/** The four projections; head h owns rows h · headDim … of the first three and the same columns of `output`. */
export interface MultiHeadWeights {
  readonly query: LinearWeights; // [heads · headDim, modelDim]
  readonly key: LinearWeights; // [kvHeads · headDim, key width]
  readonly value: LinearWeights; // [kvHeads · valueDim, value width]
  readonly output: LinearWeights; // [outputDim, heads · valueDim]
  /** One more key and value that every query attends (PyTorch's `bias_k`, `bias_v`); given together. */
  readonly biasKey?: TensorLike; // [kvHeads · headDim]
  readonly biasValue?: TensorLike; // [kvHeads · valueDim]
  /** One more key and value of zeros (PyTorch's `add_zero_attn`); default false. */
  readonly addZeroAttention?: boolean;
}

export interface Linear {
  readonly weight: SharedFloats; // [out, in]
  readonly bias: SharedFloats | null;
  readonly inputs: number;
  readonly outputs: number;
}

export interface ResolvedWeights extends Heads {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly extraKeys: number;
  readonly extraKey: Float32Array | null; // [kvHeads, extraKeys, headDim]
  readonly extraValue: Float32Array | null; // [kvHeads, extraKeys, valueDim]
}

/**
 * Checks weights against the number of heads and derives the widths.
 * @throws INVALID_OPTION for the heads, INVALID_WEIGHTS or INVALID_SHAPE for the weights
 */
export function resolveWeights(weights: MultiHeadWeights, heads: number, kvHeads: number): ResolvedWeights {
  checkHeads(heads, kvHeads);
  if (typeof weights !== 'object' || (weights as unknown) === null) {
    throw expected('INVALID_WEIGHTS', 'weights { query, key, value, output }', 'weights', weights);
  }
  const query = resolveLinear('query', weights.query);
  const key = resolveLinear('key', weights.key);
  const value = resolveLinear('value', weights.value);
  const output = resolveLinear('output', weights.output);

  const headDim = divide('query', query.outputs, heads, 'heads');
  const valueDim = divide('value', value.outputs, kvHeads, 'kvHeads');
  if (key.outputs !== kvHeads * headDim) {
    const what = `${kvHeads * headDim} rows (kvHeads ${kvHeads} x headDim ${headDim})`;
    throw unexpectedShape('INVALID_WEIGHTS', what, 'key.weight', key.weight.shape);
  }
  if (output.inputs !== heads * valueDim) {
    const what = `${heads * valueDim} columns (heads ${heads} x valueDim ${valueDim})`;
    throw unexpectedShape('INVALID_WEIGHTS', what, 'output.weight', output.weight.shape);
  }
  const shape = { heads, kvHeads, headDim, valueDim };
  return { ...shape, query, key, value, output, ...resolveExtra(weights, shape) };
}

function checkHeads(heads: number, kvHeads: number): void {
  if (!Number.isInteger(heads) || heads < 1)
    throw expected('INVALID_OPTION', 'an integer >= 1', 'heads', heads);
  if (!Number.isInteger(kvHeads) || kvHeads < 1) {
    throw expected('INVALID_OPTION', 'an integer >= 1', 'kvHeads', kvHeads);
  }
  if (heads % kvHeads !== 0) {
    throw expected('INVALID_OPTION', `a divisor of heads (${heads})`, 'kvHeads', kvHeads);
  }
}

function divide(name: string, width: number, heads: number, headsName: string): number {
  if (width % heads === 0) return width / heads;
  throw new HeadpoolError(
    'INVALID_OPTION',
    `Expected \`${headsName}\` to divide the width of the ${name} projection, got ${headsName} ${heads} and width ${width}`,
  );
}

function resolveLinear(name: string, linear: LinearWeights | undefined): Linear {
  if (typeof linear !== 'object' || (linear as unknown) === null)
    throw expected('INVALID_WEIGHTS', 'a projection { weight, bias? }', name, linear);
  const { weight: givenWeight, bias: givenBias } = linear;
  const weight = shareFloats(`${name}.weight`, givenWeight);
  const [outputs, inputs] = weight.shape;
  if (weight.shape.length !== 2 || outputs! < 1 || inputs! < 1) {
    throw unexpectedShape('INVALID_WEIGHTS', 'shape [out, in]', `${name}.weight`, weight.shape);
  }
  const bias = givenBias === undefined ? null : resolveVector(`${name}.bias`, givenBias, outputs!);
  return { weight, bias, inputs: inputs!, outputs: outputs! };
}

function resolveVector(name: string, tensor: TensorLike, length: number): SharedFloats {
  const vector = shareFloats(name, tensor);
  if (vector.data.length !== length) {
    throw unexpectedShape('INVALID_WEIGHTS', `${length} numbers`, name, vector.shape);
  }
  return vector;
}

function resolveExtra(
  { biasKey, biasValue, addZeroAttention = false }: MultiHeadWeights,
  { kvHeads, headDim, valueDim }: Heads,
): Pick<ResolvedWeights, 'extraKeys' | 'extraKey' | 'extraValue'> {
  if ((biasKey === undefined) !== (biasValue === undefined)) {
    const missing = biasKey === undefined ? 'biasKey' : 'biasValue';
    throw expected('INVALID_WEIGHTS', 'biasKey and biasValue together', missing, undefined);
  }
  if (typeof addZeroAttention !== 'boolean') {
    throw expected('INVALID_WEIGHTS', 'true or false', 'addZeroAttention', addZeroAttention);
  }
  const extraKeys = (biasKey === undefined ? 0 : 1) + (addZeroAttention ? 1 : 0);
  if (extraKeys === 0) return { extraKeys, extraKey: null, extraValue: null };
  return {
    extraKeys,
    extraKey: spread('biasKey', biasKey, kvHeads, headDim),
    extraValue: spread('biasValue', biasValue, kvHeads, valueDim),
  };

  // [kvHeads · dims] -> [kvHeads, extraKeys, dims], zeros in the row of addZeroAttention.
  function spread(name: string, tensor: TensorLike | undefined, count: number, dims: number): Float32Array {
    const rows = new Float32Array(count * extraKeys * dims);
    if (tensor === undefined) return rows;
    const { data } = resolveVector(name, tensor, count * dims);
    for (let head = 0; head < count; head++) {
      rows.set(data.subarray(head * dims, (head + 1) * dims), head * extraKeys * dims);
    }
    return rows;
  }
}
