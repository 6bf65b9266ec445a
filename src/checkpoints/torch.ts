// Weights from and to the state dict of PyTorch's `nn.MultiheadAttention`.
import { expected, HeadpoolError } from '../core/errors.js';
import { unexpectedShape } from '../core/tensor/shape.js';
import { createTensor, type Tensor, type TensorLike } from '../core/tensor/tensor.js';
import { didYouMean } from '../core/suggest.js';
import { shareFloats, type SharedFloats } from '../attention/share-operands.js';
import type { MultiHeadWeights, LinearWeights } from '../attention/weights.js';
import { linear, splitRows } from './linear-parts.js';

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
 * `bias_k` and `bias_v` [1, 1, E] where present. Biases are optional. Keys and values may have fewer rows than the query
 * (grouped heads), which PyTorch's own module doesn't.
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

  const inputs = inputWeights(tensors, take);
  const bias = tensors.get('in_proj_bias');
  const biases = bias === undefined ? [] : splitBias(bias, inputs);
  const [query, key, value] = inputs.map((weight, n) => linear(weight, biases[n]));
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
 * The state dict of a layer, in PyTorch's names; float32. `addZeroAttention` has no place in it. Grouped heads, which
 * PyTorch's module doesn't have, get its three separate names.
 * @throws INVALID_WEIGHTS where the names can't say the layer: another value or output width
 */
export function weightsToTorch(weights: MultiHeadWeights): Map<string, Tensor> {
  const { query, key, value, output, biasKey, biasValue } = weights;
  const [width, modelDim] = query.weight.shape;
  const keyWidth = key.weight.shape[0];
  requireRows('value', value, keyWidth, 'as many as the key has');
  requireRows('output', output, width, 'as many as the query has');
  const stateDict = new Map<string, Tensor>();
  const set = (name: string, tensor: TensorLike): void => {
    stateDict.set(name, shareFloats(name, tensor));
  };
  const inputs = [query, key, value];
  if (keyWidth === width && inputs.every(({ weight }) => weight.shape[1] === modelDim)) {
    set('in_proj_weight', concatenate(inputs.map(({ weight }) => weight)));
  } else {
    set('q_proj_weight', query.weight);
    set('k_proj_weight', key.weight);
    set('v_proj_weight', value.weight);
  }
  if (inputs.some(({ bias }) => bias !== undefined)) {
    set(
      'in_proj_bias',
      concatenate(inputs.map(({ weight, bias }) => bias ?? createTensor([weight.shape[0]!]))),
    );
  }
  if (biasKey !== undefined) set('bias_k', { ...biasKey, shape: [1, 1, keyWidth!] });
  if (biasValue !== undefined) set('bias_v', { ...biasValue, shape: [1, 1, keyWidth!] });
  set('out_proj.weight', output.weight);
  if (output.bias !== undefined) set('out_proj.bias', output.bias);
  return stateDict;
}

/**
 * Rows of the query, the key and the value in a packed tensor, as the width of what the heads put out tells: in grouped
 * layers keys and values have fewer. Undefined if there is no such split.
 */
export function packedRows(rows: number, outputColumns: number): readonly number[] | undefined {
  const shared = (rows - outputColumns) / 2;
  return Number.isInteger(shared) && shared > 0 ? [outputColumns, shared, shared] : undefined;
}

function inputWeights(tensors: StateDict, take: (name: string) => TensorLike): SharedFloats[] {
  const separate = ['q_proj_weight', 'k_proj_weight', 'v_proj_weight'];
  if (tensors.has(separate[0]!)) return separate.map((name) => shareFloats(name, take(name)));
  const packed = shareFloats('in_proj_weight', take('in_proj_weight'));
  const [, columns = 0] = take('out_proj.weight').shape;
  const counts = packedRows(packed.shape[0] ?? 0, columns);
  if (counts !== undefined) return splitRows(packed, counts);
  const what = `rows of the query (${columns}, as \`out_proj.weight\` has columns), the key and the value`;
  throw unexpectedShape('INVALID_WEIGHTS', what, 'in_proj_weight', packed.shape);
}

/** As the weights have rows. */
function splitBias(tensor: TensorLike, weights: readonly SharedFloats[]): SharedFloats[] {
  const bias = shareFloats('in_proj_bias', tensor);
  const counts = weights.map(({ shape }) => shape[0] ?? 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (bias.data.length === total) return splitRows({ ...bias, shape: [total] }, counts);
  throw unexpectedShape('INVALID_WEIGHTS', `${total} numbers, one a row,`, 'in_proj_bias', bias.shape);
}

function requireRows(name: string, { weight }: LinearWeights, rows: number | undefined, why: string): void {
  if (weight.shape[0] === rows) return;
  throw unexpectedShape('INVALID_WEIGHTS', `${rows} rows, ${why},`, name, weight.shape);
}

function concatenate(tensors: readonly TensorLike[]): Tensor {
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
