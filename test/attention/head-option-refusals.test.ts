// Wrong values of the options that act on whole heads: softcap, slopes, sinks, scales and norms, by their whole message.
import test from 'ava';
import type { AttentionInputs } from '../../src/index.js';
import { neverFinite, neverRight, valuesRefuser, type Shown } from '../helpers/full-messages.js';
import { normalTensor } from '../helpers/random.js';
import { openEngine } from '../helpers/refusals.js';

/** 3 queries on 3 keys, 4 heads on 2, of 6 dims. */
const base: AttentionInputs = {
  q: normalTensor([2, 4, 3, 6], 1),
  k: normalTensor([2, 2, 3, 6], 2),
  v: normalTensor([2, 2, 3, 5], 3),
};

const engineOf = openEngine();
const refuseValues = valuesRefuser(engineOf, base);

const present = (values: Shown): Shown => values.filter(([value]) => value !== undefined);

refuseValues(
  {
    what: 'a number > 0 in the range of float32 (1.2e-38 to 3.4e38)',
    name: 'softcap',
    give: (softcap) => ({ softcap }),
  },
  [
    ...present(neverFinite),
    [0, '`0` (number)'],
    [-1, '`-1` (number)'],
    [1e-39, '`1e-39` (number)'],
    [1e39, '`1e+39` (number)'],
  ],
);
refuseValues({ what: 'a finite float32 number', name: 'scale', give: (scale) => ({ scale }) }, [
  ...present(neverFinite),
  [-1e39, '`-1e+39` (number)'],
]);

/** What isn't a list of four. */
const neverFour: Shown = [
  ...neverRight,
  [1, '`1` (number)'],
  [{ length: 4 }, 'an object (Object)'],
  [[], '`[]` (array)'],
  [[1, 2, 3], '`[1,2,3]` (array)'],
  [new Array(5), '`[null,null,null,null,null]` (array)'],
  [new Float32Array(2), 'a Float32Array of 2'],
  [new DataView(new ArrayBuffer(4)), 'an object (DataView)'],
];
for (const name of ['alibiSlopes', 'sinks', 'headScale']) {
  const what = 'a list of 4 numbers, one a head,';
  refuseValues({ what, name, give: (list) => ({ [name]: list }) }, neverFour);
}

const tooLarge = [1e39, '`1e+39` (number)'] as const;
for (const name of ['alibiSlopes', 'headScale']) {
  const give = (value: unknown): object => ({ [name]: [0, 1, value, 3] });
  refuseValues({ what: 'a finite float32 number', name: `${name}[2]`, give }, [...neverFinite, tooLarge]);
}
const belowInfinity = neverFinite.filter(([value]) => value !== -Infinity);
refuseValues(
  {
    what: 'a float32 number below Infinity',
    name: 'sinks[3]',
    give: (value) => ({ sinks: [-Infinity, 0, 1, value] }),
  },
  [...belowInfinity, tooLarge],
);
for (const name of ['alibiSlopes', 'sinks', 'headScale']) {
  const what = name === 'sinks' ? 'a float32 number below Infinity' : 'a finite float32 number';
  const give = (list: unknown): object => ({ [name]: list });
  refuseValues({ what, name: `${name}[0]`, give }, [[new Array(4), 'nothing']]);
  refuseValues({ what, name: `${name}[0]`, give }, [[new BigInt64Array(4), '`0n` (bigint)']]);
}

refuseValues({ what: 'an object { q, k, epsilon? }', name: 'qkNorm', give: (qkNorm) => ({ qkNorm }) }, [
  ...neverRight,
  [1e-6, '`0.000001` (number)'],
  [[], '`[]` (array)'],
  [new Float32Array(6), 'a Float32Array of 6'],
]);
const ones = [1, 1, 1, 1, 1, 1];
for (const name of ['q', 'k']) {
  const what = 'a list of 6 numbers, one a dim of a head,';
  refuseValues(
    { what, name: `qkNorm.${name}`, give: (list) => ({ qkNorm: { q: ones, k: ones, [name]: list } }) },
    [
      ...neverRight,
      [undefined, 'nothing'],
      [[1, 1, 1, 1, 1], '`[1,1,1,1,1]` (array)'],
      [new Float32Array(24), 'a Float32Array of 24'],
    ],
  );
  const give = (value: unknown): object => ({
    qkNorm: { q: ones, k: ones, [name]: [1, 1, 1, 1, 1, value] },
  });
  refuseValues({ what: 'a finite float32 number', name: `qkNorm.${name}[5]`, give }, [
    ...neverFinite,
    tooLarge,
  ]);
}
refuseValues(
  {
    what: 'a finite number >= 0',
    name: 'qkNorm.epsilon',
    give: (epsilon) => ({ qkNorm: { q: ones, k: ones, epsilon } }),
  },
  [...present(neverFinite), [-1e-9, '`-1e-9` (number)']],
);

test('what stands at the edge of these ranges is taken', async (t) => {
  const { output } = await engineOf().attention({
    ...base,
    softcap: 1.2e-38,
    scale: -1e38,
    sinks: [-Infinity, -1e38, 0, 1e38],
    alibiSlopes: new Float32Array(4),
    headScale: Float64Array.of(0, -1, 1e38, 1),
    qkNorm: { q: new Float32Array(6), k: new Array<number>(6).fill(-1e38), epsilon: 0 },
  });
  t.deepEqual(output.shape, [2, 4, 3, 5]);
});
