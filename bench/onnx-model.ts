// The layer as an ONNX model, for onnxruntime: the same weights in its operators. How messages are encoded is the
// business of onnx-encode.ts.
import type { LinearWeights, MultiHeadWeights, TensorLike } from '../src/index.js';
import type { LayerCase } from './helpers/layer.js';
import {
  encodeModel,
  floatTensor,
  integerAttribute,
  integersAttribute,
  integerTensor,
  node,
  valueInfo,
  type Bytes,
} from './helpers/onnx-encode.js';

/** 'fused' uses com.microsoft.MultiHeadAttention, 'nodes' MatMul and Softmax. */
export type ModelForm = (typeof modelForms)[number];

export const modelForms = ['fused', 'nodes'] as const;

/** For sequences of one length or, without a causal mask, of any. */
export type ModelShape = LayerCase | (Omit<LayerCase, 'tokens' | 'causal'> & { readonly tokens: 'any' });

/** The bytes of a model with input `x` and output `y`, both [1, tokens, modelDim]. Self-attention, causal or full. */
export function encodeLayer(form: ModelForm, shape: ModelShape, weights: MultiHeadWeights): Bytes {
  const { tokens, modelDim, heads } = shape;
  const { nodes, initializers } = form === 'fused' ? fusedGraph(shape) : nodesGraph(shape);
  for (const [letter, linear] of lettersOf(weights)) {
    initializers.push(weightTensor(letter, linear));
    if (letter === 'o' || form === 'nodes') initializers.push(biasTensor(letter, linear));
  }
  if (form === 'fused') {
    const biases = [weights.query, weights.key, weights.value].flatMap(({ bias }) => [...floatsOf(bias!)]);
    initializers.push(floatTensor('b_qkv', [3 * modelDim], new Float32Array(biases)));
  }
  return encodeModel({
    ...{ name: `attention of ${heads} heads`, nodes, initializers },
    inputs: [valueInfo('x', [1, tokens, modelDim])],
    outputs: [valueInfo('y', [1, tokens, modelDim])],
  });
}

/** The linears under the letters that name their tensors. */
export function lettersOf({ query, key, value, output }: MultiHeadWeights) {
  return [
    ['q', query],
    ['k', key],
    ['v', value],
    ['o', output],
  ] as const;
}

/** `w_q`, say, as MatMul wants it: [in, out]. */
export function weightTensor(letter: string, { weight }: LinearWeights): Bytes {
  const [outputs, inputs] = weight.shape as [number, number];
  return floatTensor(`w_${letter}`, [inputs, outputs], transpose(weight));
}

export function biasTensor(letter: string, { bias }: LinearWeights): Bytes {
  return floatTensor(`b_${letter}`, [...bias!.shape], floatsOf(bias!));
}

interface Graph {
  readonly nodes: Bytes[];
  readonly initializers: Bytes[];
}

// x·W of each projection -> MultiHeadAttention, which adds the biases -> ·W^O + b.
function fusedGraph(shape: ModelShape): Graph {
  const { heads } = shape;
  const project = (letter: string): Bytes => node('MatMul', ['x', `w_${letter}`], [letter]);
  const attention = node('MultiHeadAttention', ['q', 'k', 'v', 'b_qkv'], ['concat'], {
    domain: 'com.microsoft',
    attributes: [
      integerAttribute('num_heads', heads),
      integerAttribute('unidirectional', isCausal(shape) ? 1 : 0),
    ],
  });
  return { nodes: [...['q', 'k', 'v'].map(project), attention, ...outputNodes()], initializers: [] };
}

// The same from standard operators: [1, T, d] -> [1, T, H, D] -> [1, H, T, D] (keys [1, H, D, T]) and back.
function nodesGraph(shape: ModelShape): Graph {
  const { modelDim, heads } = shape;
  const headDim = modelDim / heads;
  // -1: as many as there are.
  const tokens = shape.tokens === 'any' ? -1 : shape.tokens;
  const project = (letter: string): Bytes[] => [
    node('MatMul', ['x', `w_${letter}`], [`${letter}_product`]),
    node('Add', [`${letter}_product`, `b_${letter}`], [`${letter}_flat`]),
    node('Reshape', [`${letter}_flat`, 'split_shape'], [`${letter}_split`]),
    node('Transpose', [`${letter}_split`], [letter], {
      attributes: [integersAttribute('perm', letter === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3])],
    }),
  ];
  const nodes = [
    ...['q', 'k', 'v'].flatMap(project),
    node('Mul', ['q', 'scale'], ['q_scaled']),
    node('MatMul', ['q_scaled', 'k'], ['scores']),
    ...(isCausal(shape) ? [node('Add', ['scores', 'mask'], ['masked'])] : []),
    node('Softmax', [isCausal(shape) ? 'masked' : 'scores'], ['probabilities'], {
      attributes: [integerAttribute('axis', -1)],
    }),
    node('MatMul', ['probabilities', 'v'], ['heads']),
    node('Transpose', ['heads'], ['merged'], { attributes: [integersAttribute('perm', [0, 2, 1, 3])] }),
    node('Reshape', ['merged', 'concat_shape'], ['concat']),
    ...outputNodes(),
  ];
  const initializers = [
    floatTensor('scale', [], new Float32Array([1 / Math.sqrt(headDim)])),
    integerTensor('split_shape', [1, tokens, heads, headDim]),
    integerTensor('concat_shape', [1, tokens, modelDim]),
    ...(isCausal(shape) ? [floatTensor('mask', [shape.tokens, shape.tokens], causalMask(shape.tokens))] : []),
  ];
  return { nodes, initializers };
}

function isCausal(shape: ModelShape): shape is LayerCase {
  return shape.tokens !== 'any' && shape.causal === true;
}

/** concat·W^O + b of the linear `o`. */
export function outputNodes(): Bytes[] {
  return [node('MatMul', ['concat', 'w_o'], ['y_product']), node('Add', ['y_product', 'b_o'], ['y'])];
}

// 0 where a query may attend, -Infinity where not: the row of a query never holds -Infinity alone.
function causalMask(tokens: number): Float32Array<ArrayBuffer> {
  const mask = new Float32Array(tokens * tokens);
  for (let row = 0; row < tokens; row++) mask.fill(-Infinity, row * tokens + row + 1, (row + 1) * tokens);
  return mask;
}

/** [out, in] as PyTorch keeps it -> [in, out] as MatMul wants it. */
export function transpose(weight: TensorLike): Float32Array<ArrayBuffer> {
  const [rows, columns] = weight.shape as [number, number];
  const turned = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = weight.data[row * columns + column]!;
    }
  }
  return turned;
}

function floatsOf({ data }: TensorLike): Float32Array<ArrayBuffer> {
  return new Float32Array(data);
}
