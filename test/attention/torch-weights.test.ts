// Weights from and to PyTorch's state dict.
import test from 'ava';
import { weightsFromTorch, weightsToTorch, type MultiHeadWeights, type TensorLike } from '../../src/index.js';
import { assertRefused, assertSameBytes } from '../helpers/assertions.js';
import { layerWeights } from '../helpers/layer-case.js';
import { normalTensor } from '../helpers/random.js';

const square = { heads: 4, headDim: 3, modelDim: 12 };

const roundTrip = test.macro((t, weights: MultiHeadWeights, names: readonly string[]) => {
  const stateDict = weightsToTorch(weights);
  t.deepEqual([...stateDict.keys()], names);
  const back = weightsFromTorch(stateDict, { addZeroAttention: weights.addZeroAttention ?? false });
  for (const name of ['query', 'key', 'value', 'output'] as const) {
    t.deepEqual(back[name].weight.shape, weights[name].weight.shape);
    assertSameBytes(t, floats(back[name].weight), floats(weights[name].weight), `${name}.weight`);
    if (weights[name].bias)
      assertSameBytes(t, floats(back[name].bias!), floats(weights[name].bias), `${name}.bias`);
  }
  for (const name of ['biasKey', 'biasValue'] as const) {
    t.is(back[name] === undefined, weights[name] === undefined);
    if (weights[name]) assertSameBytes(t, floats(back[name]!), floats(weights[name]), name);
  }
  t.is(back.addZeroAttention, weights.addZeroAttention);
});

function floats({ data }: TensorLike): Float32Array {
  return Float32Array.from(data);
}

const packed = ['in_proj_weight', 'in_proj_bias', 'out_proj.weight', 'out_proj.bias'];
test('equal widths are packed into in_proj_weight and come back', roundTrip, layerWeights(square), packed);
test('a layer without biases comes back without', roundTrip, layerWeights({ ...square, hasBias: false }), [
  packed[0]!,
  packed[2]!,
]);
test(
  'the learned key and value and the zero attention come back',
  roundTrip,
  layerWeights({ ...square, hasBiasKey: true, addZeroAttention: true }),
  ['in_proj_weight', 'in_proj_bias', 'bias_k', 'bias_v', 'out_proj.weight', 'out_proj.bias'],
);
test(
  'other key and value widths keep their own tensors',
  roundTrip,
  layerWeights({ ...square, keyWidth: 5, valueWidth: 7 }),
  ['q_proj_weight', 'k_proj_weight', 'v_proj_weight', 'in_proj_bias', 'out_proj.weight', 'out_proj.bias'],
);

test(
  'grouped heads get separate tensors and come back with their biases',
  roundTrip,
  layerWeights({ ...square, kvHeads: 2, hasBiasKey: true }),
  [
    ...['q_proj_weight', 'k_proj_weight', 'v_proj_weight', 'in_proj_bias'],
    ...['bias_k', 'bias_v', 'out_proj.weight', 'out_proj.bias'],
  ],
);

test('weights of 16 bits become float32', (t) => {
  const { query, ...others } = layerWeights({ ...square, keyWidth: 5 });
  const ones = new Uint16Array(query.weight.data.length).fill(0x3c00);
  const half: TensorLike = { shape: query.weight.shape, data: ones, dtype: 'f16' };
  const stateDict = weightsToTorch({ ...others, query: { ...query, weight: half } });
  t.deepEqual([...stateDict.get('q_proj_weight')!.data], [...ones].fill(1));
});

test('a packed tensor of grouped heads has as many rows for the query as its output has columns', (t) => {
  const weight = normalTensor([12 + 2 * 6, 12], 1);
  const bias = normalTensor([12 + 2 * 6], 2);
  const { query, key, value } = weightsFromTorch(
    new Map([
      ['in_proj_weight', weight],
      ['in_proj_bias', bias],
      ['out_proj.weight', normalTensor([12, 12], 3)],
    ]),
  );
  for (const [linear, start, end] of [
    [query, 0, 12],
    [key, 12, 18],
    [value, 18, 24],
  ] as const) {
    t.deepEqual(linear.weight.shape, [end - start, 12]);
    assertSameBytes(t, floats(linear.weight), weight.data.slice(start * 12, end * 12));
    assertSameBytes(t, floats(linear.bias!), bias.data.slice(start, end));
  }
});

test('in_proj_weight holds the rows of the query, the key and the value in this order', (t) => {
  const weight = normalTensor([36, 12], 1);
  const bias = normalTensor([36], 2);
  const output = normalTensor([12, 12], 3);
  const weights = weightsFromTorch(
    new Map([
      ['in_proj_weight', weight],
      ['in_proj_bias', bias],
      ['out_proj.weight', output],
    ]),
  );
  for (const [n, name] of (['query', 'key', 'value'] as const).entries()) {
    assertSameBytes(t, floats(weights[name].weight), weight.data.slice(n * 144, (n + 1) * 144), name);
    assertSameBytes(t, floats(weights[name].bias!), bias.data.slice(n * 12, (n + 1) * 12), name);
  }
  t.is(weights.output.bias, undefined);
});

test('only the names with the prefix count', (t) => {
  const stateDict = new Map<string, TensorLike>([['embedding', normalTensor([5], 1)]]);
  for (const [name, tensor] of weightsToTorch(layerWeights(square)))
    stateDict.set(`layers.0.${name}`, tensor);
  t.deepEqual(weightsFromTorch(stateDict, { prefix: 'layers.0.' }).query.weight.shape, [12, 12]);
});

const stateDict = weightsToTorch(layerWeights(square));

test('a missing tensor is named, with what is there', async (t) => {
  const rest = new Map(stateDict);
  rest.delete('out_proj.weight');
  await assertRefused(t, () => weightsFromTorch(rest), {
    code: 'INVALID_WEIGHTS',
    what: ['`out_proj.weight`', 'in_proj_bias'],
  });
  await assertRefused(t, () => weightsFromTorch(new Map()), {
    code: 'INVALID_WEIGHTS',
    what: ['`in_proj_weight`', 'nothing'],
  });
  const separate = weightsToTorch(layerWeights({ ...square, keyWidth: 5 }));
  separate.delete('k_proj_weight');
  await assertRefused(t, () => weightsFromTorch(separate), {
    code: 'INVALID_WEIGHTS',
    what: '`k_proj_weight`',
  });
  await assertRefused(t, () => weightsFromTorch(stateDict, { prefix: 'x.' }), {
    code: 'INVALID_WEIGHTS',
    what: '`x.in_proj_weight`',
  });
});

test('a state dict that is no Map is refused', async (t) => {
  const object = Object.fromEntries(stateDict) as unknown as typeof stateDict;
  await assertRefused(t, () => weightsFromTorch(object), {
    code: 'INVALID_WEIGHTS',
    what: ['`stateDict`', 'Map'],
  });
});

test('an unknown tensor is named, with the nearest name', async (t) => {
  const more = new Map<string, TensorLike>([...stateDict, ['in_proj_wieght', normalTensor([1], 1)]]);
  await assertRefused(t, () => weightsFromTorch(more), {
    code: 'INVALID_WEIGHTS',
    what: ['`in_proj_wieght`', 'did you mean `in_proj_weight`'],
  });
});

test('a packed tensor whose rows are no three equal parts is refused', async (t) => {
  const odd = new Map<string, TensorLike>([...stateDict, ['in_proj_weight', normalTensor([35, 12], 1)]]);
  await assertRefused(t, () => weightsFromTorch(odd), {
    code: 'INVALID_WEIGHTS',
    what: ['`in_proj_weight`', '[35, 12]'],
  });
  const oddBias = new Map<string, TensorLike>([...stateDict, ['in_proj_bias', normalTensor([35], 1)]]);
  await assertRefused(t, () => weightsFromTorch(oddBias), {
    code: 'INVALID_WEIGHTS',
    what: ['`in_proj_bias`', '[35]'],
  });
  const broken = new Map<string, TensorLike>([
    ...stateDict,
    ['in_proj_weight', { shape: [36, 12], data: new Float32Array(3) }],
  ]);
  await assertRefused(t, () => weightsFromTorch(broken), {
    code: 'INVALID_SHAPE',
    what: '`in_proj_weight.data.length`',
  });
});

test('layers that PyTorch has no name for are refused', async (t) => {
  const wide = layerWeights({ ...square, valueDim: 5 });
  await assertRefused(t, () => weightsToTorch(wide), {
    code: 'INVALID_WEIGHTS',
    what: ['`value`', '[20, 12]'],
  });
  const other = layerWeights({ ...square, outputDim: 9 });
  await assertRefused(t, () => weightsToTorch(other), {
    code: 'INVALID_WEIGHTS',
    what: ['`output`', '[9, 12]'],
  });
});
