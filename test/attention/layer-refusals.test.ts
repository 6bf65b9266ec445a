// Wrong arguments of engine.multiHeadAttention: the code, and a message that names the argument.
import test from 'ava';
import type { ErrorCode, LayerOptions } from '../../src/index.js';
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
test.after('refused layers hold no memory', (t) => {
  t.is(engineOf().stats().memoryBytes, 0);
});

function refuseLayer(title: string, change: object, code: ErrorCode, ...words: string[]): void {
  test(title, async (t) => {
    const given = { heads: 4, weights, ...change } as LayerOptions;
    await assertRefused(t, () => engineOf().multiHeadAttention(given), { code, what: words });
  });
}

for (const name of ['heads', 'kvHeads']) {
  for (const value of [0, -1, 1.5, '8', NaN, null]) {
    const shown = typeof value === 'string' ? `"${value}"` : String(value);
    refuseLayer(`${name} of ${shown} are refused`, { [name]: value }, 'INVALID_OPTION', `\`${name}\``, shown);
  }
}
refuseLayer('no heads are refused', { heads: undefined }, 'INVALID_OPTION', '`heads`', 'nothing');
refuseLayer(
  'heads that do not divide the query width are refused',
  { heads: 5 },
  'INVALID_OPTION',
  '`heads`',
  '12',
);
refuseLayer(
  'kvHeads that do not divide the heads are refused',
  { kvHeads: 3 },
  'INVALID_OPTION',
  '`kvHeads`',
  '4',
);
refuseLayer(
  'fewer kvHeads than the weights hold are refused',
  { kvHeads: 2 },
  'INVALID_WEIGHTS',
  '`key.weight`',
  '[12, 9]',
);
refuseLayer('no weights are refused', { weights: undefined }, 'INVALID_WEIGHTS', '`weights`', 'nothing');
refuseLayer('weights of null are refused', { weights: null }, 'INVALID_WEIGHTS', '`weights`', 'null');
refuseLayer(
  'a misspelt option of a layer is refused',
  { casual: true },
  'UNKNOWN_OPTION',
  '`casual`',
  '`causal`',
);
refuseLayer('a misspelt heads is refused', { kvheads: 2 }, 'UNKNOWN_OPTION', '`kvheads`', '`kvHeads`');

test('no options of a layer at all are refused', async (t) => {
  for (const nothing of [undefined, null] as unknown as LayerOptions[]) {
    await assertRefused(t, () => engineOf().multiHeadAttention(nothing), {
      code: 'INVALID_OPTION',
      what: 'an object',
    });
  }
});

test('defaults of unknown names are refused with the layer', async (t) => {
  const own = layerWeights({ heads: 4, headDim: 3, modelDim: 12 });
  const given = { heads: 4, weights: own, window: { lefft: 1 } } as LayerOptions;
  await assertRefused(t, () => engineOf().multiHeadAttention(given), {
    code: 'UNKNOWN_OPTION',
    what: 'Unknown option of `window` `lefft`; did you mean `left`?',
  });
});

test('wrong defaults of a layer are refused by its calls', async (t) => {
  const own = layerWeights({ heads: 4, headDim: 3, modelDim: 12 });
  const x = normalTensor([2, 12], 1);
  for (const [defaults, code, ...words] of [
    [{ sinks: [0, 0, 0] }, 'INVALID_OPTION', 'a list of 4 numbers, one a head, for `sinks`'],
    [
      { causal: 'top-left', alignment: 'bottom-right' },
      'INVALID_OPTION',
      "'top-left', as `causal` says, for",
    ],
  ] as const) {
    const given = { heads: 4, weights: own, ...defaults } as LayerOptions;
    using layer = await engineOf().multiHeadAttention(given);
    await assertRefused(t, () => layer.forward(x), { code, what: words });
  }
});
