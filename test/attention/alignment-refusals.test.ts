// Where the diagonal starts: refused where it matters and isn't said, or is said twice; by the whole message.
import test from 'ava';
import type { AttentionInputs, AttentionOptions } from '../../src/index.js';
import { assertRefused } from '../helpers/assertions.js';
import { neverRight, valuesRefuser } from '../helpers/full-messages.js';
import { layerWeights } from '../helpers/layer-case.js';
import { normalTensor } from '../helpers/random.js';
import { openEngine } from '../helpers/refusals.js';

/** 3 queries on 5 keys, 2 heads of 4 dims. */
const odd: AttentionInputs = {
  q: normalTensor([2, 2, 3, 4], 1),
  k: normalTensor([2, 2, 5, 4], 2),
  v: normalTensor([2, 2, 5, 4], 3),
};
const even: AttentionInputs = { q: odd.q, k: normalTensor([2, 2, 3, 4], 2), v: odd.q };
const tokens: AttentionInputs = {
  q: normalTensor([6, 8], 1),
  k: normalTensor([7, 8], 2),
  v: normalTensor([7, 8], 3),
  heads: 2,
  offsets: [0, 2, 6],
  keyOffsets: [0, 2, 7],
};

const engineOf = openEngine();

valuesRefuser(engineOf, even)(
  { what: "'top-left' or 'bottom-right'", name: 'alignment', give: (alignment) => ({ alignment }) },
  [...neverRight, ['left', '`"left"` (string)'], [0, '`0` (number)'], [[], '`[]` (array)']],
);
valuesRefuser(engineOf, even)(
  {
    what: "true, false, 'top-left' or 'bottom-right'",
    name: 'causal',
    give: (causal) => ({ causal }),
  },
  [
    ...neverRight.filter(([value]) => value !== true),
    ['bottom', '`"bottom"` (string)'],
    [1, '`1` (number)'],
    [['top-left'], '`["top-left"]` (array)'],
  ],
);

/** Each option that looks at positions, alone. */
const positional: Readonly<Record<string, AttentionOptions>> = {
  window: { window: { left: 1 } },
  'window to the right': { window: { right: 0 } },
  alibiSlopes: { alibiSlopes: [0.5, 0.25] },
  rope: { rope: { base: 10000 } },
  headStatistics: { headStatistics: true },
};
const which = "'top-left' or 'bottom-right' where they differ";

for (const [title, options] of Object.entries(positional)) {
  const name = Object.keys(options)[0]!;
  const messageOf = (lengths: string): string =>
    `Expected ${which} (${lengths}), which \`${name}\` needs, for \`alignment\`, got nothing`;

  test(`${title} without alignment is refused where queries and keys differ in number`, async (t) => {
    const refuse = (given: AttentionInputs, lengths: string): Promise<void> =>
      assertRefused(t, () => engineOf().attention({ ...given, ...options }), {
        code: 'INVALID_OPTION',
        message: messageOf(lengths),
      });
    await refuse(odd, '3 queries on 5 keys');
    await refuse({ ...even, keyLengths: [3, 2] }, '3 queries on 2 keys');
    await refuse(tokens, '4 queries on 5 keys');
  });

  test(`${title} is taken where alignments agree, or with one`, async (t) => {
    for (const given of [even, { ...odd, keyLengths: [3, 3] }]) {
      t.deepEqual((await engineOf().attention({ ...given, ...options })).output.shape, odd.q.shape);
    }
    for (const alignment of ['top-left', 'bottom-right'] as const) {
      for (const change of [{ alignment }, { causal: alignment }, { causal: true, alignment }]) {
        const { output } = await engineOf().attention({ ...odd, ...options, ...change });
        t.deepEqual(output.shape, odd.q.shape);
      }
    }
  });
}

test('causal: true without alignment asks which', async (t) => {
  const message = `Expected ${which} (3 queries on 5 keys) for \`causal\`, got \`true\` (boolean)`;
  await assertRefused(t, () => engineOf().attention({ ...odd, causal: true }), {
    code: 'INVALID_OPTION',
    message,
  });
});

test('what looks at no position needs no alignment', async (t) => {
  for (const options of [{ window: {} }, { causal: false }, { headStatistics: false }]) {
    await t.notThrowsAsync(engineOf().attention({ ...odd, ...options }));
  }
});

test('an alignment other than that of causal is refused', async (t) => {
  for (const [causal, alignment] of [
    ['top-left', 'bottom-right'],
    ['bottom-right', 'top-left'],
  ] as const) {
    const message = `Expected '${causal}', as \`causal\` says, for \`alignment\`, got \`"${alignment}"\` (string)`;
    for (const given of [odd, even]) {
      await assertRefused(t, () => engineOf().attention({ ...given, causal, alignment }), {
        code: 'INVALID_OPTION',
        message,
      });
    }
  }
});

test('a diagonal beside a cache is refused, by the option that states it', async (t) => {
  const weights = layerWeights({ heads: 2, headDim: 4, modelDim: 8 });
  using layer = await engineOf().multiHeadAttention({ heads: 2, weights });
  const cache = layer.createCache({ maxTokens: 8 });
  const x = normalTensor([3, 8], 1);
  const refuse = (options: AttentionOptions, message: string): Promise<void> =>
    assertRefused(t, () => layer.forward(x, { ...options, cache }), { code: 'INVALID_OPTION', message });
  await refuse(
    { causal: 'top-left' },
    'Expected true or false beside `cache`, whose tokens say the alignment, for `causal`, got `"top-left"` (string)',
  );
  await refuse(
    { alignment: 'bottom-right', window: { left: 2 } },
    'Expected none beside `cache`, whose tokens say it, for `alignment`, got `"bottom-right"` (string)',
  );
  t.deepEqual(cache.tokens, [0]);
  cache.dispose();
});
