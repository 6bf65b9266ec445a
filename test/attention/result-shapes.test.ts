// The shapes of scores and head statistics: of attention alone and of layers, dense, ragged and empty.
import type { ExecutionContext } from 'ava';
import type { AttentionResult, HeadStatistics, Shape } from '../../src/index.js';
import { attentionCase } from '../helpers/attention-case.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { layerWeights } from '../helpers/layer-case.js';
import { besideEachOther } from '../helpers/rearranged.js';
import { normalTensor } from '../helpers/random.js';
import { without } from '../helpers/without.js';

const engineOf = openEngines();
const size = { batch: 2, heads: 4, kvHeads: 2, queries: 6, keys: 11, headDim: 5, valueDim: 3 };
const stages = ['scaled', 'softcapped', 'biased', 'probabilities'] as const;
const statistics = [
  'entropy',
  'first',
  'largest',
  'meanDistance',
  'next',
  'outputNorm',
  'previous',
  'self',
] as const satisfies (keyof HeadStatistics)[];

function assertStatistics(
  t: ExecutionContext,
  { headStatistics }: AttentionResult,
  shape: Shape,
  names: readonly (keyof HeadStatistics)[] = statistics,
): void {
  t.deepEqual(Object.keys(headStatistics!).sort(), [...names].sort());
  for (const name of names) {
    const tensor = headStatistics![name]!;
    t.deepEqual(tensor.shape, shape, name);
    t.is(tensor.data.length, shape[0]! * shape[1]!, name);
    t.true(tensor.data.buffer instanceof SharedArrayBuffer, name);
  }
}

testKernels(
  engineOf,
  'scores are [batch, heads, queries, keys] at every stage and rank',
  async (t, engine) => {
    const { inputs } = attentionCase({ ...size, softcap: 3, causal: 'bottom-right', keyLengths: [7, 11] });
    const rank3 = {
      q: besideEachOther(inputs.q),
      k: besideEachOther(inputs.k),
      v: besideEachOther(inputs.v),
      heads: 4,
      kvHeads: 2,
      ...without(inputs, 'q', 'k', 'v'),
    };
    for (const returnScores of stages) {
      const { scores } = await engine.attention({ ...inputs, returnScores });
      t.deepEqual(scores!.shape, [2, 4, 6, 11], returnScores);
      const beside = await engine.attention({ ...rank3, returnScores });
      t.deepEqual(beside.scores!.shape, [2, 4, 6, 11], returnScores);
      assertSameBytes(t, beside.scores!.data, scores!.data, returnScores);
    }
  },
);

testKernels(engineOf, 'probabilities are the weights, also beside them', async (t, engine) => {
  const { inputs } = attentionCase({ ...size, causal: 'top-left' });
  const { scores } = await engine.attention({ ...inputs, returnScores: 'probabilities' });
  const both = await engine.attention({ ...inputs, returnWeights: true, returnScores: 'probabilities' });
  assertSameBytes(t, both.weights!.data, scores!.data, 'weights');
  assertSameBytes(t, both.scores!.data, scores!.data, 'scores');
});

testKernels(engineOf, 'head statistics are [batch, heads], or [sequences, heads]', async (t, engine) => {
  const { inputs } = attentionCase({ ...size, causal: 'bottom-right' });
  assertStatistics(t, await engine.attention({ ...inputs, headStatistics: true }), [2, 4]);

  const rows = (tokens: number, seed: number) => normalTensor([tokens, 20], seed);
  const ragged = { q: rows(7, 1), k: rows(7, 2), v: rows(7, 3), heads: 4, offsets: [0, 3, 3, 7] };
  assertStatistics(t, await engine.attention({ ...ragged, headStatistics: true }), [3, 4]);
});

testKernels(engineOf, 'nothing has scores and statistics of no numbers', async (t, engine) => {
  const { inputs } = attentionCase({ ...size, queries: 0, causal: 'top-left' });
  const noQueries = await engine.attention({ ...inputs, returnScores: 'scaled', headStatistics: true });
  t.deepEqual(noQueries.scores!.shape, [2, 4, 0, 11]);
  assertStatistics(t, noQueries, [2, 4]);
  t.true(noQueries.headStatistics!.entropy.data.every((mean) => mean === 0));

  const none = { shape: [0, 20], data: new Float32Array(0) };
  const noSequence = { q: none, k: none, v: none, heads: 4, offsets: [0], headStatistics: true };
  assertStatistics(t, await engine.attention(noSequence), [0, 4]);
});

testKernels(engineOf, 'extra keys of a layer are columns of its scores after the keys', async (t, engine) => {
  const widths = { heads: 4, headDim: 3, modelDim: 12, hasBiasKey: true, addZeroAttention: true };
  using layer = await engine.multiHeadAttention({ heads: 4, weights: layerWeights(widths) });
  const cross = { query: normalTensor([2, 6, 12], 1), key: normalTensor([2, 5, 12], 2) };
  for (const returnScores of stages) {
    const { scores } = await layer.forward(cross, { returnScores });
    t.deepEqual(scores!.shape, [2, 4, 6, 7], returnScores);
  }
});

testKernels(engineOf, 'layers say what each head adds to the output too', async (t, engine) => {
  const weights = layerWeights({ heads: 4, kvHeads: 2, headDim: 3, modelDim: 12 });
  using layer = await engine.multiHeadAttention({ heads: 4, kvHeads: 2, weights, headStatistics: true });
  const names = [...statistics, 'contributionNorm'] as const;
  assertStatistics(t, await layer.forward(normalTensor([2, 6, 12], 1)), [2, 4], names);
  const x = normalTensor([9, 12], 1);
  assertStatistics(t, await layer.forward(x), [1, 4], names);
  assertStatistics(t, await layer.forward(x, { offsets: [0, 1, 1, 9] }), [3, 4], names);
  t.deepEqual(Object.keys(await layer.forward(x, { headStatistics: false })), ['output']);
});
