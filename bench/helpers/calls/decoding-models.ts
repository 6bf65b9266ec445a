// One token after cached ones as ONNX models for onnxruntime, in all forms that its operators offer, because which one is
// fastest is to be measured. Inputs are x [1, 1, modelDim] and past_k, past_v [1, heads, capacity, headDim]; outputs y and
// present_k, present_v, with which a host can go on.
import type { MultiHeadWeights } from '../../../src/index.js';
import { attentions, spareTokens, type DecodingShape, type Presents } from './decoding-attentions.js';
import { biasTensor, lettersOf, outputNodes, transpose, weightTensor } from '../../onnx-model.js';
import {
  encodeModel,
  floatTensor,
  integerAttribute,
  integersAttribute,
  integerTensor,
  node,
  valueInfo,
  type Bytes,
} from '../onnx-encode.js';

export interface DecodingModel {
  readonly bytes: Bytes;
  /** Tokens that the pasts have room for. */
  readonly capacity: number;
  readonly presents: Presents;
  /** Tokens of the presents. */
  readonly presentTokens: number;
}

/** How x becomes q, k and v, and the weights of it. */
interface Projection {
  readonly nodes: readonly Bytes[];
  readonly initializers: (weights: MultiHeadWeights) => Bytes[];
}

const letters = ['q', 'k', 'v'];

const projections: Readonly<Record<string, Projection>> = {
  'three products': {
    nodes: letters.flatMap((letter) => linearNodes(letter)),
    initializers: (weights) =>
      lettersOf(weights)
        .slice(0, letters.length)
        .flatMap(([letter, linear]) => [weightTensor(letter, linear), biasTensor(letter, linear)]),
  },
  'one product': {
    nodes: [
      ...linearNodes('qkv'),
      node('Split', ['qkv'], letters, { attributes: [integerAttribute('axis', 2)] }),
    ],
    initializers: joinedTensors,
  },
};

/** Such as 'joined, one product'. */
export const decodingForms = Object.keys(attentions).flatMap((attention) =>
  Object.keys(projections).map((projection) => `${attention}, ${projection}`),
);

/** @param form one of `decodingForms` */
export function encodeDecoding(form: string, shape: DecodingShape, weights: MultiHeadWeights): DecodingModel {
  const { modelDim, heads, cached } = shape;
  const [attention, projection] = form.split(', ') as [string, string];
  const { presents, nodes, initializers = () => [] } = attentions[attention]!;
  const { nodes: projectionNodes, initializers: linears } = projections[projection]!;
  const capacity = presents === 'whole' ? cached : cached + spareTokens;
  const presentTokens = { whole: cached + 1, rows: 1, shared: capacity }[presents];
  const rows = (name: string, tokens: number): Bytes => valueInfo(name, [1, heads, tokens, modelDim / heads]);
  const output = lettersOf(weights)[3][1];
  const bytes = encodeModel({
    name: `one token after ${cached}`,
    nodes: [...projectionNodes, ...nodes(shape), ...outputNodes()],
    initializers: [
      ...linears(weights),
      ...initializers(shape),
      weightTensor('o', output),
      biasTensor('o', output),
    ],
    inputs: [
      valueInfo('x', [1, 1, modelDim]),
      rows('past_k', capacity),
      rows('past_v', capacity),
      ...(presents === 'rows' ? [valueInfo('mask', [1, 1, 1, capacity + 1])] : []),
    ],
    outputs: [
      valueInfo('y', [1, 1, modelDim]),
      rows('present_k', presentTokens),
      rows('present_v', presentTokens),
    ],
  });
  return { bytes, capacity, presents, presentTokens };
}

/** The keys and values of x [1, cached, modelDim] as pasts `k` and `v` [1, heads, cached, headDim]. */
export function encodeKeysAndValues(
  { modelDim, heads, cached }: DecodingShape,
  weights: MultiHeadWeights,
): Bytes {
  const headDim = modelDim / heads;
  const linears = lettersOf(weights).slice(1, letters.length);
  return encodeModel({
    name: `keys and values of ${cached}`,
    nodes: linears.flatMap(([letter]) => [
      ...linearNodes(letter, `${letter}_flat`),
      node('Reshape', [`${letter}_flat`, 'split_shape'], [`${letter}_split`]),
      node('Transpose', [`${letter}_split`], [letter], {
        attributes: [integersAttribute('perm', [0, 2, 1, 3])],
      }),
    ]),
    initializers: [
      ...linears.flatMap(([letter, linear]) => [weightTensor(letter, linear), biasTensor(letter, linear)]),
      integerTensor('split_shape', [1, cached, heads, headDim]),
    ],
    inputs: [valueInfo('x', [1, cached, modelDim])],
    outputs: ['k', 'v'].map((name) => valueInfo(name, [1, heads, cached, headDim])),
  });
}

function linearNodes(letter: string, output = letter): Bytes[] {
  return [
    node('MatMul', ['x', `w_${letter}`], [`${letter}_product`]),
    node('Add', [`${letter}_product`, `b_${letter}`], [output]),
  ];
}

/** `w_qkv` and `b_qkv`: the columns of the three side by side. */
function joinedTensors(weights: MultiHeadWeights): Bytes[] {
  const linears = lettersOf(weights).slice(0, letters.length);
  const [width, depth] = weights.query.weight.shape as [number, number];
  const rowLength = linears.length * width;
  const joined = new Float32Array(depth * rowLength);
  const biases = new Float32Array(rowLength);
  linears.forEach(([, { weight, bias }], n) => {
    const columns = transpose(weight);
    for (let row = 0; row < depth; row++) {
      joined.set(columns.subarray(row * width, (row + 1) * width), row * rowLength + n * width);
    }
    biases.set(bias!.data, n * width);
  });
  return [floatTensor('w_qkv', [depth, rowLength], joined), floatTensor('b_qkv', [rowLength], biases)];
}
