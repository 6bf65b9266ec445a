// PyTorch's nn.MultiheadAttention, alone or in nn.TransformerEncoder and its like; and grouped heads under its names.
import type { Family, MatrixOf, Projections } from './family.js';
import { projectionNamed } from './projections.js';
import { packedRows, weightsFromTorch } from './torch.js';

const separate = ['q_proj_weight', 'k_proj_weight', 'v_proj_weight'] as const;
const packed = 'in_proj_weight';

export const torchFamily: Family = {
  name: 'torch',
  modelTypes: undefined,
  place: '',
  marks: [packed, ...separate],
  needs: (has) => [...(separate.some(has) ? separate : [packed]), 'out_proj.weight'],
  optional: ['in_proj_bias', 'out_proj.bias', 'bias_k', 'bias_v'],
  headFields: ['num_attention_heads', 'nhead', 'num_heads'],
  projectionsOf: (matrixOf, has) => {
    const output = projectionNamed(matrixOf, 'out_proj');
    return { ...(separate.some(has) ? separateOf(matrixOf) : packedOf(matrixOf, output.columns)), output };
  },
  defaultsOf: () => ({}),
  weightsOf: (tensors) => weightsFromTorch(tensors),
};

type Inputs = Omit<Projections, 'output'>;

function separateOf(matrixOf: MatrixOf): Inputs {
  const [query, key, value] = separate.map((tensor) => {
    const [rows, columns] = matrixOf(tensor);
    return { tensor, rows, columns };
  });
  return { query: query!, key: key!, value: value! };
}

function packedOf(matrixOf: MatrixOf, outputColumns: number): Inputs {
  const [rows, columns] = matrixOf(packed);
  const [query = NaN, key = NaN, value = NaN] = packedRows(rows, outputColumns) ?? [];
  const projection = (count: number) => ({ tensor: packed, rows: count, columns });
  return { query: projection(query), key: projection(key), value: projection(value) };
}
