// Wrong options of layer.forward: the code, and a message that names the option.
import test from 'ava';
import type { ErrorCode, MultiHeadAttention } from '../../src/index.js';
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
    await assertRefused(t, () => layer.forward({ ...cross, ...change }, options), { code, what: words });
  });
}

test('options that are none are refused', async (t) => {
  for (const nothing of [null, 5] as unknown as object[]) {
    await assertRefused(t, () => layer.forward(cross, nothing), {
      code: 'INVALID_OPTION',
      what: '`options`',
    });
  }
});
refuseCall(
  'a misspelt option of a call is refused',
  {},
  { casual: true },
  'UNKNOWN_OPTION',
  '`casual`',
  '`causal`',
);
for (const [name, options, ...words] of [
  [
    'slopes of other heads',
    { alibiSlopes: [1, 2], causal: 'top-left' },
    'a list of 4 numbers, one a head, for `alibiSlopes`',
  ],
  ['factors of other heads', { headScale: [1, 2] }, 'a list of 4 numbers, one a head, for `headScale`'],
  [
    'a norm of the model width',
    { qkNorm: { q: query.data, k: [] } },
    'a list of 3 numbers, one a dim of a head, for',
  ],
  [
    'rotary positions of an odd headDim',
    { rope: { base: 10 }, causal: 'top-left' },
    'from 2 to headDim (3) for `rope.dims`, got nothing',
  ],
  ['positions beside other keys', { rope: { base: 10, dims: 2, positions: [0, 1, 2] } }, '`rope.positions`'],
  [
    'a window without alignment',
    { window: { left: 0 } },
    '(3 queries on 5 keys), which `window` needs, for `alignment`',
  ],
  ['statistics without alignment', { headStatistics: true }, 'which `headStatistics` needs, for `alignment`'],
  ['a softcap of 0', { softcap: 0 }, '`softcap`, got `0` (number)'],
  [
    'scores of an unknown stage',
    { returnScores: 'raw' },
    '\'probabilities\' for `returnScores`, got `"raw"` (string)',
  ],
] as const) {
  refuseCall(`${name} in a call are refused`, {}, options, 'INVALID_OPTION', ...words);
}
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
