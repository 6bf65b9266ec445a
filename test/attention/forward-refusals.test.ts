// Wrong inputs of layer.forward: the code, and a message that names the input.
import test from 'ava';
import type { ErrorCode, MultiHeadAttention, TensorLike } from '../../src/index.js';
import { assertRefused } from '../helpers/assertions.js';
import { layerWeights } from '../helpers/layer-case.js';
import { normalTensor } from '../helpers/random.js';
import { openEngine } from '../helpers/refusals.js';

const engineOf = openEngine();
const weights = layerWeights({
  heads: 4,
  headDim: 3,
  modelDim: 12,
  keyWidth: 9,
  valueWidth: 7,
  hasBiasKey: true,
});
let layer: MultiHeadAttention;
test.serial.before('creates a layer', async (t) => {
  layer = await engineOf().multiHeadAttention({ heads: 4, weights });
  t.is(layer.modelDim, 12);
});

const query = normalTensor([2, 3, 12], 1);
const key = normalTensor([2, 5, 9], 2);
const value = normalTensor([2, 5, 7], 3);
const cross = { query, key, value };

function refuseInputs(title: string, change: object, code: ErrorCode, ...words: string[]): void {
  test(title, async (t) => {
    await assertRefused(t, () => layer.forward({ ...cross, ...change }), { code, what: words });
  });
}

test('an input that is none is refused', async (t) => {
  for (const nothing of [undefined, null, 5, 'x'] as unknown as TensorLike[]) {
    await assertRefused(t, () => layer.forward(nothing), { code: 'INVALID_SHAPE', what: '`query`' });
  }
});
test('an input without a shape is refused, and the error says what it is', async (t) => {
  for (const [input, what] of [
    [new Float32Array(24), 'a tensor { shape, data } for `query`, got a Float32Array of 24'],
    [[1, 2], 'a tensor { shape, data } for `query`, got `[1,2]` (array)'],
    [{ query: new Float32Array(24), key }, 'a tensor { shape, data } for `query`, got a Float32Array of 24'],
    [{ query, key: new Float32Array(24) }, 'a tensor { shape, data } for `key`, got a Float32Array of 24'],
  ] as unknown as [TensorLike, string][]) {
    await assertRefused(t, () => layer.forward(input), { code: 'INVALID_SHAPE', what });
  }
});
test('a batch of billions of sequences without rows is refused at once', async (t) => {
  const none = (batch: number, width: number) => ({ shape: [batch, 0, width], data: new Float32Array(0) });
  const inputs = (batch: number) => ({ query: none(batch, 12), key: none(batch, 9), value: none(batch, 7) });
  const what = ['a batch of at most 65536 sequences without rows', '2147483648'];
  await assertRefused(t, () => layer.forward(inputs(2 ** 31)), { code: 'INVALID_SHAPE', what });
  t.deepEqual((await layer.forward(inputs(65_536))).output.shape, [65_536, 0, 12]);
});
test('self-attention of a layer for other keys is refused', async (t) => {
  await assertRefused(t, () => layer.forward(query), { code: 'INVALID_SHAPE', what: ['`key`', '9'] });
});
refuseInputs(
  'a query of another width is refused',
  { query: normalTensor([2, 3, 11], 1) },
  'INVALID_SHAPE',
  '`query`',
  '12',
);
refuseInputs(
  'a key of another width is refused',
  { key: normalTensor([2, 5, 8], 1) },
  'INVALID_SHAPE',
  '`key`',
  '9',
);
refuseInputs(
  'a value of another width is refused',
  { value: normalTensor([2, 5, 8], 1) },
  'INVALID_SHAPE',
  '`value`',
  '7',
);
refuseInputs(
  'a missing value of another width is refused',
  { value: undefined },
  'INVALID_SHAPE',
  '`value`',
  '7',
);
refuseInputs('no key is refused', { key: undefined }, 'INVALID_SHAPE', '`key`', 'nothing');
refuseInputs(
  'a query of rank 1 is refused',
  { query: normalTensor([12], 1) },
  'INVALID_SHAPE',
  '`query`',
  '[12]',
);
refuseInputs(
  'a query of rank 4 is refused',
  { query: normalTensor([1, 1, 1, 12], 1) },
  'INVALID_SHAPE',
  '`query`',
);
refuseInputs(
  'a key of another batch is refused',
  { key: normalTensor([1, 5, 9], 1), value: normalTensor([1, 5, 7], 1) },
  'INVALID_SHAPE',
  '`key`',
  'batch 2',
);
refuseInputs(
  'a value of other tokens is refused',
  { value: normalTensor([2, 4, 7], 1) },
  'INVALID_SHAPE',
  '`value`',
  '[2, 5, 9]',
);
refuseInputs('a misspelt input is refused', { keys: key }, 'UNKNOWN_OPTION', '`keys`', '`key`');
