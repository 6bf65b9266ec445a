// Wrong values of the options that ask for results, and results that a batch can't have; by the whole message.
import test from 'ava';
import type { AttentionInputs } from '../../src/index.js';
import { assertRefused } from '../helpers/assertions.js';
import { neverRight, valuesRefuser } from '../helpers/full-messages.js';
import { normalTensor } from '../helpers/random.js';
import { openEngine, ragged } from '../helpers/refusals.js';

/** 3 queries on 3 keys. */
const base: AttentionInputs = {
  q: normalTensor([2, 4, 3, 5], 1),
  k: normalTensor([2, 2, 3, 5], 2),
  v: normalTensor([2, 2, 3, 6], 3),
};

const engineOf = openEngine();
const refuseValues = valuesRefuser(engineOf, base);

refuseValues(
  {
    what: "'scaled', 'softcapped', 'biased' or 'probabilities'",
    name: 'returnScores',
    give: (returnScores) => ({ returnScores }),
  },
  [
    ...neverRight,
    ['Scaled', '`"Scaled"` (string)'],
    ['weights', '`"weights"` (string)'],
    [0, '`0` (number)'],
    [false, '`false` (boolean)'],
    [['scaled'], '`["scaled"]` (array)'],
  ],
);
for (const name of ['returnLogSumExp', 'headStatistics']) {
  refuseValues({ what: 'true or false', name, give: (value) => ({ [name]: value }) }, [
    ...neverRight.filter(([value]) => value !== true),
    [1, '`1` (number)'],
    [{}, 'an object (Object)'],
    [['entropy'], '`["entropy"]` (array)'],
  ]);
}
refuseValues(
  {
    what: "true, false or 'mean'",
    name: 'returnWeights',
    give: (returnWeights) => ({ returnWeights }),
  },
  [...neverRight.filter(([value]) => value !== true), ['Mean', '`"Mean"` (string)'], [1, '`1` (number)']],
);

/** [title, inputs, message] */
const others: readonly (readonly [string, AttentionInputs, string])[] = [
  [
    'probabilities beside the mean of the weights are refused',
    { ...base, returnWeights: 'mean', returnScores: 'probabilities' },
    "Expected 'scaled', 'softcapped' or 'biased' beside `returnWeights: 'mean'` for `returnScores`, " +
      'got `"probabilities"` (string)',
  ],
  ...(['scaled', 'softcapped', 'biased', 'probabilities'] as const).map(
    (returnScores) =>
      [
        `${returnScores} scores of a ragged batch are refused`,
        { ...ragged, offsets: [0, 6], returnScores },
        'Expected no scores of a ragged batch, whose rows differ in length, for `returnScores`, ' +
          `got \`"${returnScores}"\` (string)`,
      ] as const,
  ),
  ...([true, 'mean'] as const).map(
    (returnWeights) =>
      [
        `weights (${returnWeights}) of a ragged batch are refused`,
        { ...ragged, offsets: [0, 2, 6], returnWeights },
        'Expected no weights of a ragged batch, whose rows differ in length, for `returnWeights`, ' +
          (returnWeights === true ? 'got `true` (boolean)' : 'got `"mean"` (string)'),
      ] as const,
  ),
  [
    'a mask of a ragged batch is refused',
    { ...ragged, offsets: [0, 6], mask: { shape: [6], data: new Uint8Array(6) } },
    'Expected no `mask` for a ragged batch, whose rows differ in length, for `mask`, got shape [6]',
  ],
];
for (const [title, given, message] of others) {
  test(title, async (t) => {
    await assertRefused(t, () => engineOf().attention(given), { code: 'INVALID_OPTION', message });
  });
}

test('a cache is for calls of layers', async (t) => {
  const given = { ...base, cache: {} } as AttentionInputs;
  const message =
    'Expected a call of `layer.forward`, whose layer makes caches, for `cache`, got an object (Object)';
  await assertRefused(t, () => engineOf().attention(given), { code: 'INVALID_OPTION', message });
});
