// The plain kernels of a device against the float64 oracle, through an engine whose worker computes on the software device.
import type { ExecutionContext } from 'ava';
import type { Engine } from '../../../src/engine/engine.js';
import type { AttentionInputs } from '../../../src/index.js';
import { attentionCase, checkCase, type CaseOptions } from '../../helpers/attention-case.js';
import { runCombinations, runLayerCombinations } from '../../helpers/combination-runs.js';
import { checkLayer, layerWeights } from '../../helpers/layer-case.js';
import { assertPools } from '../../helpers/precision-pools.js';
import { normalTensor, randomMask } from '../../helpers/random.js';
import { openGpuEngine } from '../../helpers/gpu-engine.js';
import { gpuTest } from '../../helpers/software-gpu.js';

const engineOf = openGpuEngine('gpujs');

function testEngine(title: string, body: (t: ExecutionContext, engine: Engine) => Promise<void>): void {
  gpuTest(title, async (t) => {
    await body(t, engineOf());
    assertPools(t);
  });
}

const grouped: CaseOptions = { batch: 2, heads: 4, kvHeads: 2, queries: 5, keys: 9, headDim: 6, valueDim: 3 };
const minusInfinity = normalTensor([2, 1, 5, 9], 4);
for (let at = 0; at < 90; at += 4) minusInfinity.data[at] = -Infinity;

const options: Readonly<Record<string, CaseOptions>> = {
  'no option': {},
  'one head of 80 dims': { heads: 1, kvHeads: 1, headDim: 80, valueDim: 65 },
  'a query for each of 70 keys': { queries: 70, keys: 70 },
  'a diagonal from the top': { causal: 'top-left' },
  'a diagonal to the bottom': { causal: 'bottom-right' },
  'more queries than keys': { queries: 9, keys: 4, causal: 'bottom-right' },
  'lengths of keys': { keyLengths: [4, 0] },
  'a mask': { mask: randomMask([2, 4, 5, 9], 5) },
  'a mask of heads and keys': { mask: randomMask([4, 1, 9], 6) },
  'a bias with -Infinity': { bias: minusInfinity },
  'a window': { window: { left: 2, right: 1 }, alignment: 'bottom-right' },
  'a negative scale': { scale: -0.7 },
  'a softcap': { softcap: 0.8 },
  'a large softcap': { softcap: 1e6 },
  ALiBi: { alibiSlopes: [0.5, 0.25, 0, -0.125], alignment: 'bottom-right' },
  sinks: { sinks: [1, -3, -Infinity, 6], keyLengths: [0, 9] },
  'factors of heads': { headScale: [2, 0, -0.5, 1] },
  'large scores': { spread: 4 },
};
for (const [title, given] of Object.entries(options)) {
  testEngine(`attention with ${title}`, async (t, engine) => {
    await checkCase(t, engine, attentionCase({ ...grouped, ...given }));
  });
}

testEngine(
  'a layer with extra keys and biases, its segments wider than a panel and not',
  async (t, engine) => {
    for (const [headDim, valueDim, outputDim] of [
      [4, 8, 130],
      [5, 3, 64],
      [9, 1, 7],
    ] as const) {
      const widths = { heads: 4, kvHeads: 2, headDim, valueDim, outputDim, modelDim: 10 };
      const weights = layerWeights({ ...widths, hasBiasKey: true, addZeroAttention: true });
      await checkLayer(t, engine, { widths, weights, query: normalTensor([2, 7, 10], 3) });
    }
  },
);

/** The same call with other numbers at keys and values of one key. */
function withKey({ k, v, ...rest }: AttentionInputs, key: number, number: number): AttentionInputs {
  const filled = (tensor: typeof k): typeof k => {
    const [dims, keys] = [tensor.shape.at(-1)!, tensor.shape.at(-2)!];
    const data = Float32Array.from(tensor.data as Float32Array, (own, at) =>
      Math.floor(at / dims) % keys === key ? number : own,
    );
    return { shape: tensor.shape, data };
  };
  return { ...rest, k: filled(k), v: filled(v) };
}

testEngine('what a key holds changes nothing where it is left out', async (t, engine) => {
  const mask = randomMask([5, 9], 7, 0.8);
  for (let i = 0; i < 5; i++) mask.data[9 * i + 3] = 0;
  const bias = normalTensor([5, 9], 8);
  for (let i = 0; i < 5; i++) bias.data[9 * i + 3] = -Infinity;
  const returns = { returnWeights: true, returnLogSumExp: true } as const;
  for (const given of [{ mask }, { bias }]) {
    const { inputs } = attentionCase({ ...grouped, ...given });
    const wanted = await engine.attention({ ...inputs, ...returns });
    for (const number of [NaN, Infinity, -Infinity, 3e38]) {
      const found = await engine.attention({ ...withKey(inputs, 3, number), ...returns });
      t.deepEqual(found, wanted, `${number}`);
    }
  }
});

testEngine('NaN in a query stays in its row', async (t, engine) => {
  const { inputs } = attentionCase({ heads: 1, queries: 4, keys: 6 });
  const wanted = await engine.attention(inputs);
  const q = { ...inputs.q, data: Float32Array.from(inputs.q.data as Float32Array) };
  q.data[8] = NaN;
  const { output } = await engine.attention({ ...inputs, q });
  t.true(output.data.subarray(8, 16).every(Number.isNaN));
  t.deepEqual(output.data.subarray(0, 8), wanted.output.data.subarray(0, 8));
  t.deepEqual(output.data.subarray(16), wanted.output.data.subarray(16));
});

testEngine('values whose sum overflows give their mean', async (t, engine) => {
  const huge = Math.fround(3e38);
  const [q, k] = [normalTensor([1, 1, 1, 2], 1), { shape: [1, 1, 2, 2], data: new Float32Array(4) }];
  const v = { shape: [1, 1, 2, 1], data: Float32Array.of(huge, huge) };
  const { output } = await engine.attention({ q, k, v });
  t.deepEqual([...output.data], [huge]);
});

testEngine('a row has the same bytes alone and beside others', async (t, engine) => {
  const { inputs } = attentionCase({ heads: 2, queries: 11, keys: 20, headDim: 7 });
  const { output } = await engine.attention(inputs);
  for (const row of [0, 10]) {
    const rows = [0, 1].map((head) => inputs.q.data.slice(7 * (11 * head + row), 7 * (11 * head + row + 1)));
    const q = { shape: [1, 2, 1, 7], data: Float32Array.from(rows.flatMap((one) => [...one])) };
    const alone = await engine.attention({ ...inputs, q });
    for (const head of [0, 1])
      t.deepEqual(
        alone.output.data.slice(7 * head, 7 * head + 7),
        output.data.slice(7 * (11 * head + row), 7 * (11 * head + row + 1)),
      );
  }
});

testEngine('a query on more keys than a range is computed in one piece', async (t, engine) => {
  await checkCase(t, engine, attentionCase({ heads: 2, queries: 1, keys: 4100, headDim: 2 }), {
    returnWeights: false,
  });
});

testEngine('a cache is refused by name', async (t, engine) => {
  const weights = layerWeights({ heads: 1, headDim: 2, modelDim: 2 });
  using layer = await engine.multiHeadAttention({ heads: 1, weights });
  using cache = layer.createCache({ maxTokens: 4 });
  await t.throwsAsync(layer.forward(normalTensor([1, 2], 1), { cache }), {
    code: 'INVALID_OPTION',
    message: /no `cache`/,
  });
});

testEngine('combinations of options', async (t, engine) => {
  await runCombinations(t, engine, { seed: 71, count: 100 });
});

testEngine('combinations of options on layers', async (t, engine) => {
  await runLayerCombinations(t, engine, { seed: 72, count: 60 });
});
