// Weights from and to the state dict of PyTorch's `nn.MultiheadAttention`.
import { expected, HeadpoolError } from '../core/errors.js';
import { formatShape } from '../core/tensor/shape.js';
import { createTensor, type TensorLike } from '../core/tensor/tensor.js';
import { didYouMean } from '../core/suggest.js';
import { shareFloats } from '../attention/share-operands.js';
import type { LinearWeights, MultiHeadWeights } from '../attention/weights.js';

/** Named tensors, as a .safetensors file holds them. */
export type StateDict = ReadonlyMap<string, TensorLike>;

const knownNames = [
  'in_proj_weight',
  'in_proj_bias',
  'q_proj_weight',
  'k_proj_weight',
  'v_proj_weight',
  'bias_k',
  'bias_v',
  'out_proj.weight',
  'out_proj.bias',
];

/**
 * Weights of a layer from `in_proj_weight` [3E, E] (rows q, k, v) or `q_proj_weight` [E, E], `k_proj_weight`
 * [E, kdim], `v_proj_weight` [E, vdim], with `in_proj_bias` [3E], `out_proj.weight` [E, E], `out_proj.bias` [E],
 * `bias_k` and `bias_v` [1, 1, E] where present. Biases are optional.
 * @param options.prefix taken off the names first, e.g. `'layers.0.self_attn.'`; names without it are skipped
 * @param options.addZeroAttention `add_zero_attn` of the module, which its state dict doesn't tell
 * @throws INVALID_WEIGHTS for a missing or unknown name or a wrong shape
 */
export function weightsFromTorch(
  stateDict: StateDict,
  options: { readonly prefix?: string; readonly addZeroAttention?: boolean } = {},
): MultiHeadWeights {
  const { prefix = '', addZeroAttention = false } = options;
  if (!((stateDict as unknown) instanceof Map)) {
    throw expected('INVALID_WEIGHTS', 'a Map from names to tensors', 'stateDict', stateDict);
  }
  const tensors = new Map<string, TensorLike>();
  for (const [name, tensor] of stateDict) {
    if (name.startsWith(prefix)) tensors.set(name.slice(prefix.length), tensor);
  }
  for (const name of tensors.keys()) {
    if (!knownNames.includes(name)) {
      const hint = didYouMean(name, knownNames);
      throw new HeadpoolError(
        'INVALID_WEIGHTS',
        `Unknown tensor \`${prefix}${name}\` in the state dict${hint}`,
      );
    }
  }
  const take = (name: string): TensorLike => {
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      const present = [...tensors.keys()].join(', ') || 'nothing';
      throw new HeadpoolError(
        'INVALID_WEIGHTS',
        `Expected tensor \`${prefix}${name}\` in the state dict, got ${present}`,
      );
    }
    return tensor;
  };

  const isPacked = !tensors.has('q_proj_weight');
  const projections = isPacked
    ? thirds('in_proj_weight', take('in_proj_weight'))
    : [take('q_proj_weight'), take('k_proj_weight'), take('v_proj_weight')];
  const bias = tensors.get('in_proj_bias');
  const biases = bias === undefined ? [] : thirds('in_proj_bias', bias);
  const [query, key, value] = projections.map((weight, n) => linear(weight, biases[n]));
  const biasKey = tensors.get('bias_k');
  const biasValue = tensors.get('bias_v');
  return {
    query: query!,
    key: key!,
    value: value!,
    output: linear(take('out_proj.weight'), tensors.get('out_proj.bias')),
    ...(biasKey !== undefined && { biasKey }),
    ...(biasValue !== undefined && { biasValue }),
    addZeroAttention,
  };
}

/**
 * The state dict of a layer, in PyTorch's names; float32. `addZeroAttention` has no place in it.
 * @throws INVALID_WEIGHTS where PyTorch has no such layer: fewer key/value heads, another value or output width
 */
export function weightsToTorch(weights: MultiHeadWeights): Map<string, TensorLike> {
  const { query, key, value, output, biasKey, biasValue } = weights;
  const [width, modelDim] = query.weight.shape;
  for (const [name, shape] of [
    ['key', key.weight.shape],
    ['value', value.weight.shape],
    ['output', output.weight.shape],
  ] as const) {
    if (shape[0] !== width) {
      throw expected(
        'INVALID_WEIGHTS',
        `${width} rows, the width PyTorch gives every projection`,
        name,
        formatShape(shape),
      );
    }
  }
  const stateDict = new Map<string, TensorLike>();
  const inputs = [query, key, value];
  if (inputs.every(({ weight }) => weight.shape[1] === modelDim)) {
    stateDict.set('in_proj_weight', concatenate(inputs.map(({ weight }) => weight)));
  } else {
    stateDict.set('q_proj_weight', query.weight);
    stateDict.set('k_proj_weight', key.weight);
    stateDict.set('v_proj_weight', value.weight);
  }
  if (inputs.some(({ bias }) => bias !== undefined)) {
    stateDict.set('in_proj_bias', concatenate(inputs.map(({ bias }) => bias ?? createTensor([width!]))));
  }
  if (biasKey !== undefined) stateDict.set('bias_k', { ...biasKey, shape: [1, 1, width!] });
  if (biasValue !== undefined) stateDict.set('bias_v', { ...biasValue, shape: [1, 1, width!] });
  stateDict.set('out_proj.weight', output.weight);
  if (output.bias !== undefined) stateDict.set('out_proj.bias', output.bias);
  return stateDict;
}

function linear(weight: TensorLike, bias: TensorLike | undefined): LinearWeights {
  return bias === undefined ? { weight } : { weight, bias };
}

/** The three equal parts along the first axis, in place. */
function thirds(name: string, tensor: TensorLike): TensorLike[] {
  const { shape, data } = shareFloats(name, tensor);
  const [rows, ...rest] = shape;
  if (rows === undefined || rows % 3 !== 0) {
    throw expected('INVALID_WEIGHTS', 'a first axis of 3 times the width', name, formatShape(shape));
  }
  const length = data.length / 3;
  return [0, 1, 2].map((n) => ({
    shape: [rows / 3, ...rest],
    data: data.subarray(n * length, (n + 1) * length),
  }));
}

function concatenate(tensors: readonly TensorLike[]): TensorLike {
  const parts = tensors.map((tensor, n) => shareFloats(`part ${n}`, tensor));
  const [first] = parts;
  const joined = createTensor([
    parts.reduce((sum, { shape }) => sum + shape[0]!, 0),
    ...first!.shape.slice(1),
  ]);
  let offset = 0;
  for (const { data } of parts) {
    joined.data.set(data, offset);
    offset += data.length;
  }
  return joined;
}
