// GPT-2: its Conv1D stores matrices as [in, out], with the query, the key and the value side by side.
import type { Tensor } from '../core/tensor/tensor.js';
import type { Family, MatrixOf, Projection, Tensors } from './family.js';
import { linear, splitRows, transpose } from './linear-parts.js';

const packed = 'c_attn.weight';
const output = 'c_proj.weight';

export const gpt2Family: Family = {
  name: 'gpt2',
  modelTypes: ['gpt2'],
  place: 'attn.',
  marks: [packed],
  needs: () => [packed, output],
  optional: ['c_attn.bias', 'c_proj.bias'],
  headFields: ['n_head', 'num_attention_heads'],
  projectionsOf: (matrixOf) => {
    const third = thirdOf(matrixOf);
    const [rows, columns] = matrixOf(output);
    return {
      query: third,
      key: third,
      value: third,
      output: { tensor: output, rows: columns, columns: rows },
    };
  },
  defaultsOf: ({ config, headDim, index = 0 }) => {
    const isScaled = config?.flag('scale_attn_weights') ?? true;
    const isScaledByLayer = config?.flag('scale_attn_by_inverse_layer_idx') ?? false;
    if (isScaled && !isScaledByLayer) return { causal: true };
    return {
      causal: true,
      scale: (isScaled ? 1 / Math.sqrt(headDim) : 1) / (isScaledByLayer ? index + 1 : 1),
    };
  },
  weightsOf: (tensors) => {
    const [queryBias, keyBias, valueBias] = thirds(tensors, 'c_attn.bias');
    const [query, key, value] = thirds(tensors, packed, transpose);
    return {
      query: linear(query!, queryBias),
      key: linear(key!, keyBias),
      value: linear(value!, valueBias),
      output: linear(transpose(tensors.get(output)!), tensors.get('c_proj.bias')),
    };
  },
};

function thirdOf(matrixOf: MatrixOf): Projection {
  const [inputs, outputs] = matrixOf(packed);
  return { tensor: packed, rows: outputs / 3, columns: inputs };
}

function thirds(tensors: Tensors, name: string, turn = (tensor: Tensor): Tensor => tensor): Tensor[] {
  const tensor = tensors.get(name);
  if (tensor === undefined) return [];
  const turned = turn(tensor);
  const rows = turned.shape[0]! / 3;
  return splitRows(turned, [rows, rows, rows]);
}
