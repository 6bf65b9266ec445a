// Wrong arguments of layer.forward: the code, and a message that names the argument.
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

function refuseCall(
  title: string,
  change: object,
  options: object,
  code: ErrorCode,
  ...words: string[]
): void {
  test(title, async (t) => {
    await assertRefused(t, () => layer.forward({ ...cross, ...change }, options), code, ...words);
  });
}

test('an input that is none is refused', async (t) => {
  for (const nothing of [undefined, null, 5, 'x'] as unknown as TensorLike[]) {
    await assertRefused(t, () => layer.forward(nothing), 'INVALID_SHAPE', '`query`');
  }
});
test('options that are none are refused', async (t) => {
  for (const nothing of [null, 5] as unknown as object[]) {
    await assertRefused(t, () => layer.forward(cross, nothing), 'INVALID_OPTION', '`options`');
  }
});
test('self-attention of a layer for other keys is refused', async (t) => {
  await assertRefused(t, () => layer.forward(query), 'INVALID_SHAPE', '`key`', '9');
});
refuseCall(
  'a query of another width is refused',
  { query: normalTensor([2, 3, 11], 1) },
  {},
  'INVALID_SHAPE',
  '`query`',
  '12',
);
refuseCall(
  'a key of another width is refused',
  { key: normalTensor([2, 5, 8], 1) },
  {},
  'INVALID_SHAPE',
  '`key`',
  '9',
);
refuseCall(
  'a value of another width is refused',
  { value: normalTensor([2, 5, 8], 1) },
  {},
  'INVALID_SHAPE',
  '`value`',
  '7',
);
refuseCall(
  'a missing value of another width is refused',
  { value: undefined },
  {},
  'INVALID_SHAPE',
  '`value`',
  '7',
);
refuseCall('no key is refused', { key: undefined }, {}, 'INVALID_SHAPE', '`key`', 'nothing');
refuseCall(
  'a query of rank 1 is refused',
  { query: normalTensor([12], 1) },
  {},
  'INVALID_SHAPE',
  '`query`',
  '[12]',
);
refuseCall(
  'a query of rank 4 is refused',
  { query: normalTensor([1, 1, 1, 12], 1) },
  {},
  'INVALID_SHAPE',
  '`query`',
);
refuseCall(
  'a key of another batch is refused',
  { key: normalTensor([1, 5, 9], 1), value: normalTensor([1, 5, 7], 1) },
  {},
  'INVALID_SHAPE',
  '`key`',
  'batch 2',
);
refuseCall(
  'a value of other tokens is refused',
  { value: normalTensor([2, 4, 7], 1) },
  {},
  'INVALID_SHAPE',
  '`value`',
  '[2, 5, 9]',
);
refuseCall('a misspelt input is refused', { keys: key }, {}, 'UNKNOWN_OPTION', '`keys`', '`key`');

refuseCall(
  'a misspelt option of a call is refused',
  {},
  { casual: true },
  'UNKNOWN_OPTION',
  '`casual`',
  '`causal`',
);
refuseCall('a planned option of a call is refused', {}, { rope: {} }, 'UNKNOWN_OPTION', '`rope`', 'planned');
refuseCall('heads in a call are refused', {}, { heads: 4 }, 'UNKNOWN_OPTION', '`heads`');
refuseCall(
  'a key named __proto__ is refused',
  {},
  JSON.parse('{ "__proto__": {} }') as object,
  'UNKNOWN_OPTION',
  '`__proto__`',
);
refuseCall(
  'an ambiguous diagonal is refused',
  {},
  { causal: true },
  'INVALID_OPTION',
  '`causal`',
  '3 queries on 5 keys',
);
refuseCall(
  'a mask that does not broadcast is refused',
  {},
  { mask: { shape: [3], data: new Uint8Array(3) } },
  'INVALID_SHAPE',
  '`mask.shape`',
  '[2, 4, 3, 5]',
);
refuseCall(
  'a bias that does not broadcast is refused',
  {},
  { bias: normalTensor([4], 1) },
  'INVALID_SHAPE',
  '`bias.shape`',
);
refuseCall(
  'key lengths past the keys are refused',
  {},
  { keyLengths: [5, 6] },
  'INVALID_OPTION',
  '`keyLengths[1]`',
  '0 to 5',
);
refuseCall(
  'an out of another width is refused',
  {},
  { out: normalTensor([2, 3, 11], 1) },
  'INVALID_SHAPE',
  '`out.shape`',
  '[2, 3, 12]',
);
refuseCall('an out on the memory of the query is refused', {}, { out: query }, 'INVALID_OPTION', '`out`');
const rows = {
  query: normalTensor([6, 12], 1),
  key: normalTensor([10, 9], 1),
  value: normalTensor([10, 7], 1),
};
refuseCall(
  'ragged cross-attention without key offsets is refused',
  rows,
  { offsets: [0, 6] },
  'INVALID_OPTION',
  '`keyOffsets`',
);
refuseCall(
  'ragged offsets that descend are refused',
  rows,
  { offsets: [0, 5, 4, 6], keyOffsets: [0, 1, 2, 10] },
  'INVALID_OPTION',
  '`offsets[2]`',
);
refuseCall(
  'offsets beside a dense batch are refused',
  {},
  { offsets: [0, 6], keyOffsets: [0, 10] },
  'INVALID_OPTION',
  '`offsets`',
  '[2, 3, 12]',
);
