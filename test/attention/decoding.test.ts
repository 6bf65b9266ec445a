// Few query rows, as when decoding: on any number of keys, which are split into ranges of 4,096 unless weights are asked
// for.
import { attendOracle } from '../oracle/oracle.js';
import { attentionCase, checkCase, checkResult } from '../helpers/attention-case.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { once } from '../helpers/once.js';
import { normalTensor, randomMask } from '../helpers/random.js';
import { assertClose } from '../helpers/tolerance.js';

const engineOf = openEngines();
const inRanges = { returnWeights: false };
const size = { heads: 6, kvHeads: 2, queries: 1, headDim: 8, valueDim: 5 };

// Queries and the query heads that share a key/value head: one query with 1 to 8 rows, which is decoding on 256 keys and
// more, and the first that are not.
const rowShapes = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((group) => [1, group] as const),
  ...[1, 2, 3, 4, 8].map((group) => [2, group] as const),
  ...[1, 4].map((group) => [3, group] as const),
  [9, 1] as const,
];
const headDims = [8, 13, 16, 21, 40];

/** Lengths of the n-th shape of rows, the dims in turn. */
function lengthsOf(n: number, keys: number) {
  const [queries, group] = rowShapes[n]!;
  const [kvHeads, headDim] = [1 + (n % 2), headDims[n % 5]!];
  return {
    queries,
    keys,
    heads: kvHeads * group,
    kvHeads,
    seed: n + 1,
    headDim,
    valueDim: headDims[(n + 2) % 5]!,
  };
}

const fewKeys = once(() =>
  [...rowShapes.keys()].flatMap((n) =>
    [0, 1, 5, 255, 256].flatMap((keys) => [
      attentionCase(lengthsOf(n, keys)),
      attentionCase({ ...lengthsOf(n, keys), causal: 'bottom-right' }),
    ]),
  ),
);

testKernels(engineOf, '1 to 8 rows match the oracle on few keys, and so do more', async (t, engine) => {
  for (const [n, one] of fewKeys().entries())
    await checkCase(t, engine, one, n % 2 === 0 ? inRanges : undefined);
});

const manyKeys = once(() =>
  [...rowShapes.keys()].map((n) => {
    const keys = n % 7 === 0 ? 9000 : [4097, 4095, 4200, 4096][n % 4]!;
    return attentionCase(lengthsOf(n, keys));
  }),
);

testKernels(engineOf, '1 to 8 rows match the oracle around and over a range of keys', async (t, engine) => {
  for (const one of manyKeys()) await checkCase(t, engine, one, inRanges);
});

const masked = once(() =>
  [[9000], [6, 1, 1], [1, 4097], [6, 1, 4097], [6, 1, 4200], [300]].map((shape, n) => {
    const keys = n === 1 ? 4097 : shape.at(-1)!;
    const mask = randomMask(shape, n + 1, 0.6);
    const bias = normalTensor(shape, n + 1, 2);
    for (let at = 0; at < bias.data.length; at += 7) bias.data[at] = -Infinity;
    const given = [{ mask }, { mask, bias }, { bias }][n % 3];
    return attentionCase({ ...size, keys, seed: n + 1, ...given });
  }),
);

testKernels(engineOf, 'a mask, a bias and both are read where each range lies', async (t, engine) => {
  for (const one of masked()) await checkCase(t, engine, one, inRanges);
});

const diagonal = once(() => [
  ...[4097, 4100, 4104, 8195].map((keys) =>
    attentionCase({ heads: 8, kvHeads: 1, queries: 1, keys, headDim: 8, causal: 'bottom-right' }),
  ),
  attentionCase({ ...size, keys: 9000, causal: 'top-left' }),
]);

testKernels(engineOf, 'the diagonal may cross a range or end before most of them', async (t, engine) => {
  for (const one of diagonal()) await checkCase(t, engine, one, inRanges);
});

const padded = once(() => {
  const rows = { ...size, heads: 2, kvHeads: 1, batch: 5, keys: 4200 };
  const given = { ...rows, keyLengths: [0, 1, 100, 4096, 4097] };
  return [attentionCase(given), attentionCase({ ...given, causal: 'bottom-right' })];
});

testKernels(
  engineOf,
  'key lengths cut inside a range, at its end, and leave ranges empty',
  async (t, engine) => {
    for (const one of padded()) {
      const { output } = await checkCase(t, engine, one, inRanges);
      t.true(output.data.subarray(0, 2 * 5).every((value) => Object.is(value, 0)));
    }
  },
);

// Head h attends nothing but range h, the last one nothing.
const oneRangeEach = once(() => {
  const mask = { shape: [4, 1, 9000], data: new Uint8Array(4 * 9000) };
  for (const h of [0, 1, 2])
    mask.data.fill(1, h * 9000 + h * 4096 + 5, h * 9000 + Math.min(9000, (h + 1) * 4096));
  return attentionCase({ heads: 4, kvHeads: 1, queries: 1, keys: 9000, headDim: 8, valueDim: 3, mask });
});

testKernels(
  engineOf,
  'rows may attend one range, or none, which gives zeros and -infinity',
  async (t, engine) => {
    const { inputs } = oneRangeEach();
    const { output, logSumExp } = await checkCase(t, engine, oneRangeEach(), inRanges);
    t.true(output.data.subarray(3 * 3).every((value) => Object.is(value, 0)));
    t.is(logSumExp!.data[3], -Infinity);
    const mask = { shape: [1], data: Uint8Array.of(0) };
    const empty = await engine.attention({ ...inputs, mask, returnLogSumExp: true });
    t.true(empty.output.data.every((value) => Object.is(value, 0)));
    t.true(empty.logSumExp!.data.every((value) => value === -Infinity));
  },
);

const farApart = once(() =>
  [
    [80, -80, 0],
    [0, -300, 300],
  ].map((steps) => {
    const data = Float32Array.from({ length: 9000 }, (_, j) => steps[Math.floor(j / 4096)]!);
    return attentionCase({
      heads: 2,
      kvHeads: 1,
      queries: 1,
      keys: 9000,
      headDim: 8,
      bias: { shape: [9000], data },
    });
  }),
);

testKernels(
  engineOf,
  'the log-sum-exp is that of all ranges, however far apart they are',
  async (t, engine) => {
    for (const one of farApart()) {
      await checkCase(t, engine, one, inRanges);
      const { q, k, v } = one.inputs;
      const { logSumExp } = await engine.attention({ q, k, v, scale: 0, returnLogSumExp: true });
      for (const sum of logSumExp!.data) t.true(Math.abs(sum - Math.log(9000)) <= 1e-6, `${sum}`);
    }
  },
);

const weighed = once(() => {
  const { inputs, oracle } = attentionCase({ ...size, batch: 2, keys: 4200, keyLengths: [4100, 4200] });
  const { weights } = attendOracle(oracle);
  const row = 4200;
  const mean = Float64Array.from({ length: weights.length / 6 }, (_, n) =>
    [0, 1, 2, 3, 4, 5].reduce(
      (sum, h) => sum + weights[(Math.floor(n / row) * 6 + h) * row + (n % row)]! / 6,
      0,
    ),
  );
  return { one: { inputs, oracle }, mean };
});

testKernels(
  engineOf,
  'weights over more keys than a range sum to 1, and so does their mean',
  async (t, engine) => {
    const { one, mean } = weighed();
    const perHead = await checkCase(t, engine, one);
    const asked = await engine.attention({ ...one.inputs, returnWeights: 'mean' });
    checkResult(t, { output: asked.output }, one.oracle);
    t.deepEqual(asked.weights!.shape, [2, 1, 4200]);
    assertClose(t, asked.weights!.data, mean);
    for (const { data } of [perHead.weights!, asked.weights!]) {
      for (let start = 0; start < data.length; start += 4200) {
        const sum = data.subarray(start, start + 4200).reduce((total, weight) => total + weight, 0);
        t.true(Math.abs(sum - 1) < 3e-6, `weights from ${start} on sum to ${sum}`);
      }
    }
  },
);
