// Whole layers: projections, heads, concatenation and W^O against the float64 oracle.
import { assertRefused, assertSameBytes } from '../helpers/assertions.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { checkLayer, layerWeights, type LayerWidths } from '../helpers/layer-case.js';
import { normalTensor, randomMask } from '../helpers/random.js';

const engineOf = openEngines();
const size = { heads: 4, headDim: 8, modelDim: 32 } as const;

testKernels(
  engineOf,
  'self-attention of a dense batch matches the oracle, with and without biases',
  async (t, engine) => {
    for (const hasBias of [true, false]) {
      for (const tokens of [1, 5, 50]) {
        const query = normalTensor([2, tokens, 32], tokens);
        await checkLayer(t, engine, { widths: size, weights: layerWeights({ ...size, hasBias }), query });
      }
    }
  },
);

testKernels(engineOf, 'widths that fit no lane are computed to their last number', async (t, engine) => {
  const odd: LayerWidths[] = [
    { heads: 3, headDim: 20, modelDim: 60 },
    { heads: 5, headDim: 16, modelDim: 80 },
    { heads: 1, headDim: 7, modelDim: 7 },
    { heads: 7, headDim: 1, modelDim: 7 },
    { heads: 2, headDim: 3, modelDim: 1 },
    { heads: 3, headDim: 5, modelDim: 11, outputDim: 13 },
    { heads: 2, headDim: 33, modelDim: 65, outputDim: 129 },
  ];
  for (const widths of odd) {
    const query = normalTensor([9, widths.modelDim], widths.heads);
    await checkLayer(t, engine, { widths, weights: layerWeights(widths), query });
  }
});

testKernels(
  engineOf,
  'cross-attention takes keys and values of other widths and lengths',
  async (t, engine) => {
    const widths = { heads: 4, headDim: 5, valueDim: 3, modelDim: 12, keyWidth: 9, valueWidth: 17 };
    const weights = layerWeights(widths);
    const [query, key, value] = [
      normalTensor([2, 6, 12], 1),
      normalTensor([2, 70, 9], 2),
      normalTensor([2, 70, 17], 3),
    ];
    await checkLayer(t, engine, { widths, weights, query, key, value });
    const options = { causal: 'bottom-right', keyLengths: [70, 11] } as const;
    await checkLayer(t, engine, { widths, weights, query, key, value, options });
  },
);

testKernels(engineOf, 'cross-attention without a value takes the key for it', async (t, engine) => {
  const weights = layerWeights(size);
  await checkLayer(t, engine, {
    widths: size,
    weights,
    query: normalTensor([3, 32], 1),
    key: normalTensor([7, 32], 2),
  });
  using layer = await engine.multiHeadAttention({ heads: 4, weights });
  const [query, key] = [normalTensor([3, 32], 1), normalTensor([7, 32], 2)];
  const short = await layer.forward({ query, key });
  const long = await layer.forward({ query, key, value: key });
  assertSameBytes(t, short.output.data, long.output.data);
});

testKernels(
  engineOf,
  'query heads share key/value heads, with a value width of their own',
  async (t, engine) => {
    for (const [heads, kvHeads] of [
      [4, 2],
      [6, 1],
      [6, 3],
      [8, 8],
    ] as const) {
      const widths = { heads, kvHeads, headDim: 6, valueDim: 10, modelDim: 24, outputDim: 20 };
      const query = normalTensor([2, 13, 24], heads);
      await checkLayer(t, engine, {
        widths,
        weights: layerWeights(widths),
        query,
        options: { causal: 'top-left' },
      });
    }
  },
);

testKernels(engineOf, 'mask, bias, lengths and scale reach the heads of a layer', async (t, engine) => {
  const weights = layerWeights(size);
  const query = normalTensor([2, 11, 32], 4);
  const mask = randomMask([2, 1, 11, 11], 5, 0.7);
  const bias = normalTensor([4, 11, 11], 6);
  await checkLayer(t, engine, { widths: size, weights, query, options: { mask, bias } });
  await checkLayer(t, engine, { widths: size, weights, query, options: { keyLengths: [0, 4], scale: -0.2 } });
});

testKernels(engineOf, 'ragged batches of a layer match the oracle, self and cross', async (t, engine) => {
  const weights = layerWeights(size);
  const query = normalTensor([70, 32], 1);
  const key = normalTensor([90, 32], 2);
  const offsets = [0, 5, 5, 60, 70];
  const keyOffsets = [0, 1, 20, 85, 90];
  for (const options of [{ offsets }, { offsets, causal: 'top-left' }] as const) {
    await checkLayer(t, engine, { widths: size, weights, query, options });
  }
  await checkLayer(t, engine, {
    widths: size,
    weights,
    query,
    key,
    options: { offsets, keyOffsets, causal: 'bottom-right' },
  });
});

for (const [title, options] of [
  ['a learned key and value', { hasBiasKey: true }],
  ['a key and value of zeros', { addZeroAttention: true }],
  ['a learned key and one of zeros', { hasBiasKey: true, addZeroAttention: true }],
] as const) {
  testKernels(engineOf, `${title} are attended by every query, whatever is masked`, async (t, engine) => {
    const widths = { heads: 4, kvHeads: 2, headDim: 6, valueDim: 5, modelDim: 10, ...options };
    const weights = layerWeights(widths);
    for (const tokens of [1, 9, 66]) {
      const query = normalTensor([2, tokens, 10], tokens);
      await checkLayer(t, engine, { widths, weights, query });
      await checkLayer(t, engine, { widths, weights, query, options: { causal: 'top-left' } });
      const mask = randomMask([2, 1, tokens, tokens], tokens, 0.3);
      mask.data.fill(0, 0, tokens);
      await checkLayer(t, engine, { widths, weights, query, options: { mask } });
    }
    const ragged = { widths, weights, query: normalTensor([12, 10], 3), options: { offsets: [0, 4, 12] } };
    await checkLayer(t, engine, ragged);
  });

  testKernels(
    engineOf,
    `weights on ${title} stand after those of all keys, padding included`,
    async (t, engine) => {
      const widths = { heads: 4, kvHeads: 2, headDim: 6, modelDim: 10, ...options };
      const weights = layerWeights(widths);
      const query = normalTensor([3, 9, 10], 8);
      await checkLayer(t, engine, { widths, weights, query, options: { keyLengths: [0, 4, 9] } });
    },
  );
}

testKernels(engineOf, 'options of the layer are defaults that a call may replace', async (t, engine) => {
  const weights = layerWeights(size);
  const x = normalTensor([7, 32], 3);
  using plain = await engine.multiHeadAttention({ heads: 4, weights });
  using causal = await engine.multiHeadAttention({ heads: 4, weights, causal: true, returnLogSumExp: true });
  const wanted = await plain.forward(x, { causal: true, returnLogSumExp: true });
  const byDefault = await causal.forward(x);
  assertSameBytes(t, byDefault.output.data, wanted.output.data);
  assertSameBytes(t, byDefault.logSumExp!.data, wanted.logSumExp!.data);
  const replaced = await causal.forward(x, { causal: false });
  assertSameBytes(t, replaced.output.data, (await plain.forward(x)).output.data);
});

testKernels(engineOf, 'a layer tells its widths and refuses calls once disposed', async (t, engine) => {
  const widths = { heads: 4, kvHeads: 2, headDim: 6, valueDim: 10, modelDim: 24, outputDim: 20 };
  const layer = await engine.multiHeadAttention({ heads: 4, kvHeads: 2, weights: layerWeights(widths) });
  const { heads, kvHeads, headDim, valueDim, modelDim, outputDim } = layer;
  t.deepEqual({ heads, kvHeads, headDim, valueDim, modelDim, outputDim }, widths);
  layer.dispose();
  layer.dispose();
  await assertRefused(t, () => layer.forward(normalTensor([3, 24], 1)), {
    code: 'ENGINE_CLOSED',
    what: 'disposed',
  });
});

testKernels(
  engineOf,
  'layers without tokens, queries or keys give empty or bias-only outputs',
  async (t, engine) => {
    const weights = layerWeights(size);
    await checkLayer(t, engine, { widths: size, weights, query: normalTensor([0, 32], 1) });
    await checkLayer(t, engine, {
      widths: size,
      weights,
      query: normalTensor([2, 3, 32], 1),
      key: normalTensor([2, 0, 32], 2),
    });
  },
);
