// Wrong values of the options that look at positions, but for where the diagonal starts, by their whole message.
import test from 'ava';
import { HeadpoolError, type AttentionInputs } from '../../src/index.js';
import { assertRefused } from '../helpers/assertions.js';
import { neverFinite, neverRight, valuesRefuser } from '../helpers/full-messages.js';
import { normalTensor } from '../helpers/random.js';
import { inputs, openEngine } from '../helpers/refusals.js';

/** 3 queries on 3 keys, 4 heads on 2, of 6 dims. */
const base: AttentionInputs = {
  q: normalTensor([2, 4, 3, 6], 1),
  k: normalTensor([2, 2, 3, 6], 2),
  v: normalTensor([2, 2, 3, 5], 3),
};
/** The same tokens, but headDim 5. */
const oddDims = { ...inputs, k: normalTensor([2, 2, 3, 5], 2), v: normalTensor([2, 2, 3, 5], 3) };
/** 3 queries on 4 keys. */
const moreKeys = { ...base, k: normalTensor([2, 2, 4, 6], 2), v: normalTensor([2, 2, 4, 5], 3) };
const ragged: AttentionInputs = {
  q: normalTensor([6, 24], 1),
  k: normalTensor([6, 24], 2),
  v: normalTensor([6, 20], 3),
  heads: 4,
  offsets: [0, 2, 6],
};

const engineOf = openEngine();
const refuseValues = valuesRefuser(engineOf, base);

refuseValues({ what: 'an object { left?, right? }', name: 'window', give: (window) => ({ window }) }, [
  ...neverRight,
  [2, '`2` (number)'],
  [[2, 0], '`[2,0]` (array)'],
  [new Uint32Array(2), 'a Uint32Array of 2'],
]);
for (const side of ['left', 'right']) {
  refuseValues(
    {
      what: 'an integer >= 0',
      name: `window.${side}`,
      give: (bound) => ({ window: { left: 1, right: 1, [side]: bound } }),
    },
    [...neverFinite.filter(([value]) => value !== undefined), [-1, '`-1` (number)'], [1.5, '`1.5` (number)']],
  );
}

const ropeOf = (field: string) => (value: unknown) => ({ rope: { base: 10000, [field]: value } });
refuseValues(
  {
    what: 'an object { base, dims?, interleaved?, positions? }',
    name: 'rope',
    give: (rope) => ({ rope }),
  },
  [...neverRight, [10000, '`10000` (number)'], [[10000], '`[10000]` (array)']],
);
refuseValues({ what: 'a finite number > 0', name: 'rope.base', give: ropeOf('base') }, [
  ...neverFinite,
  [0, '`0` (number)'],
  [-10000, '`-10000` (number)'],
]);
refuseValues({ what: 'an even integer from 2 to headDim (6)', name: 'rope.dims', give: ropeOf('dims') }, [
  ...neverFinite.filter(([value]) => value !== undefined),
  [0, '`0` (number)'],
  [3, '`3` (number)'],
  [2.5, '`2.5` (number)'],
  [-2, '`-2` (number)'],
  [8, '`8` (number)'],
]);
refuseValues({ what: 'true or false', name: 'rope.interleaved', give: ropeOf('interleaved') }, [
  ...neverRight.filter(([value]) => value !== true),
  [1, '`1` (number)'],
]);
refuseValues(
  { what: 'a list of 3 or 6 positions, one a token,', name: 'rope.positions', give: ropeOf('positions') },
  [
    ...neverRight,
    [3, '`3` (number)'],
    [[], '`[]` (array)'],
    [[0, 1], '`[0,1]` (array)'],
    [[0, 1, 2, 3], '`[0,1,2,3]` (array)'],
    [new Float64Array(3), 'a Float64Array of 3'],
  ],
);
refuseValues(
  { what: 'a finite number', name: 'rope.positions[1]', give: (p) => ropeOf('positions')([0, p, 2]) },
  neverFinite,
);
refuseValues({ what: 'a finite number', name: 'rope.positions[0]', give: ropeOf('positions') }, [
  [new Array(3), 'nothing'],
]);
refuseValues({ what: 'a finite number', name: 'rope.positions[5]', give: ropeOf('positions') }, [
  [[0, 1, 2, 0, 1, '2'], '`"2"` (string)'],
]);

/** [title, inputs, message] */
const others: readonly (readonly [string, AttentionInputs, string])[] = [
  [
    'rotary positions of an odd headDim are refused unless dims are given',
    { ...oddDims, rope: { base: 100 } },
    'Expected an even integer from 2 to headDim (5) for `rope.dims`, got nothing',
  ],
  [
    'positions beside more keys than queries are refused',
    { ...moreKeys, rope: { base: 100, positions: [0, 1, 2] } },
    'Expected as many keys as queries in every sequence beside it for `rope.positions`, got `[0,1,2]` (array)',
  ],
  [
    'positions beside sequences that the keys cut elsewhere are refused',
    { ...ragged, keyOffsets: [0, 4, 6], rope: { base: 100, positions: [0, 1, 0, 1, 2, 3] } },
    'Expected as many keys as queries in every sequence beside it for `rope.positions`, got `[0,1,0,1,2,3]` (array)',
  ],
  [
    'positions of one sequence of a ragged batch are refused',
    { ...ragged, rope: { base: 100, positions: [0, 1] } },
    'Expected a list of 6 positions, one a token, for `rope.positions`, got `[0,1]` (array)',
  ],
];
for (const [title, given, message] of others) {
  test(title, async (t) => {
    await assertRefused(t, () => engineOf().attention(given), { code: 'INVALID_OPTION', message });
  });
}

/** Names inside an option, and what is said of them. */
const misspelt: readonly (readonly [object, string])[] = [
  [{ window: { lefft: 1 } }, 'Unknown option of `window` `lefft`; did you mean `left`?'],
  [{ window: { Right: 1 } }, 'Unknown option of `window` `Right`; did you mean `right`?'],
  [{ window: { before: 1 } }, 'Unknown option of `window` `before`'],
  [JSON.parse('{ "window": { "__proto__": {} } }') as object, 'Unknown option of `window` `__proto__`'],
  [{ rope: { base: 10, dim: 4 } }, 'Unknown option of `rope` `dim`; did you mean `dims`?'],
  [
    { rope: { base: 10, interleave: true } },
    'Unknown option of `rope` `interleave`; did you mean `interleaved`?',
  ],
  [{ rope: { theta: 10000 } }, 'Unknown option of `rope` `theta`'],
  [{ qkNorm: { q: [], k: [], epsilom: 0 } }, 'Unknown option of `qkNorm` `epsilom`; did you mean `epsilon`?'],
  [{ qkNorm: { weight: [] } }, 'Unknown option of `qkNorm` `weight`'],
];
for (const [change, message] of misspelt) {
  test(`${JSON.stringify(change)} is refused: ${message}`, async (t) => {
    const given: AttentionInputs = { ...base, ...change };
    await assertRefused(t, () => engineOf().attention(given), { code: 'UNKNOWN_OPTION', message });
  });
}

test('a refusal inside an option is a HeadpoolError before anything is computed', async (t) => {
  const given = { ...moreKeys, rope: null } as unknown as AttentionInputs;
  await t.throwsAsync(() => engineOf().attention(given), { instanceOf: HeadpoolError });
  t.is(engineOf().stats().calls.open, 0);
});
