// Wrong weights of engine.multiHeadAttention: the code, and a message that names the weight.
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

function refuseWeights(title: string, change: object, code: ErrorCode, ...words: string[]): void {
  test(title, async (t) => {
    const given = { heads: 4, weights: { ...weights, ...change } } as LayerOptions;
    await assertRefused(t, () => engineOf().multiHeadAttention(given), { code, what: words });
  });
}

for (const name of ['query', 'key', 'value', 'output'] as const) {
  const of = (linear: unknown) => ({ [name]: linear });
  const { weight, bias } = weights[name];
  refuseWeights(
    `no ${name} projection is refused`,
    of(undefined),
    'INVALID_WEIGHTS',
    `\`${name}\``,
    'nothing',
  );
  refuseWeights(
    `a ${name} projection of null is refused`,
    of(null),
    'INVALID_WEIGHTS',
    `\`${name}\``,
    'null',
  );
  refuseWeights(
    `a ${name} projection without weight is refused`,
    of({}),
    'INVALID_SHAPE',
    `\`${name}.weight\``,
    'nothing',
  );
  const flat = { shape: [weight.data.length], data: weight.data };
  refuseWeights(
    `a flat ${name} weight is refused`,
    of({ weight: flat }),
    'INVALID_WEIGHTS',
    `\`${name}.weight\``,
    '[out, in]',
  );
  const empty = { shape: [0, 4], data: new Float32Array(0) };
  refuseWeights(
    `an empty ${name} weight is refused`,
    of({ weight: empty }),
    'INVALID_WEIGHTS',
    `\`${name}.weight\``,
    '[0, 4]',
  );
  const long = normalTensor([bias!.data.length + 1], 1);
  refuseWeights(
    `a longer ${name} bias is refused`,
    of({ weight, bias: long }),
    'INVALID_WEIGHTS',
    `\`${name}.bias\``,
    '[13]',
  );
  const ints = { shape: [12], data: new Int32Array(12) };
  refuseWeights(
    `a ${name} bias of integers is refused`,
    of({ weight, bias: ints }),
    'INVALID_SHAPE',
    `\`${name}.bias.data\``,
    'Int32Array',
  );
}
refuseWeights(
  'a key projection of other rows is refused',
  { key: { weight: normalTensor([13, 9], 1) } },
  'INVALID_WEIGHTS',
  '`key.weight`',
  '12 rows',
);
refuseWeights(
  'a value projection that the heads do not divide is refused',
  { value: { weight: normalTensor([13, 7], 1) } },
  'INVALID_OPTION',
  '`kvHeads`',
  '13',
);
refuseWeights(
  'an output projection of other columns is refused',
  { output: { weight: normalTensor([12, 13], 1) } },
  'INVALID_WEIGHTS',
  '`output.weight`',
  '12 columns',
);
refuseWeights(
  'a learned key without value is refused',
  { biasValue: undefined },
  'INVALID_WEIGHTS',
  '`biasValue`',
  'together',
);
refuseWeights(
  'a learned value without key is refused',
  { biasKey: undefined },
  'INVALID_WEIGHTS',
  '`biasKey`',
  'together',
);
refuseWeights(
  'a shorter learned key is refused',
  { biasKey: normalTensor([11], 1) },
  'INVALID_WEIGHTS',
  '`biasKey`',
  '12 numbers',
);
refuseWeights(
  'addZeroAttention that is no boolean is refused',
  { addZeroAttention: 'no' },
  'INVALID_WEIGHTS',
  '`addZeroAttention`',
);
