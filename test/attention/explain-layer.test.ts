// explainLayer held against the weights that layers return: projections, grouped heads, extra keys, ragged batches.
import test, { type ExecutionContext } from 'ava';
import { denseBatch } from '../../src/attention/batch.js';
import { explainLayer } from '../../src/attention/explain.js';
import { resolveOptions } from '../../src/attention/resolve-options.js';
import { resolveWeights } from '../../src/attention/weights.js';
import type { AttentionOptions } from '../../src/index.js';
import type { Tensor } from '../../src/core/tensor/tensor.js';
import { multiHeadOracle } from '../oracle/oracle.js';
import { assertRefused } from '../helpers/assertions.js';
import { layerWeights, type LayerWidths } from '../helpers/layer-case.js';
import { normalTensor, randomMask } from '../helpers/random.js';
import { openEngine } from '../helpers/refusals.js';
import { findDeviation } from '../helpers/tolerance.js';

const engineOf = openEngine();

interface Case {
  readonly widths: LayerWidths;
  readonly query: Tensor; // [batch, queries, modelDim]
  /** Absent: self-attention. */
  readonly key?: Tensor;
  readonly options?: AttentionOptions;
}

/** Explains every weight of a dense call. */
const explainsAll = test.macro(async (t: ExecutionContext, { widths, query, key, options }: Case) => {
  const { heads, kvHeads = heads } = widths;
  const weights = layerWeights(widths);
  using layer = await engineOf().multiHeadAttention({ heads, kvHeads, weights });
  const input = key === undefined ? query : { query, key };
  const wanted = await layer.forward(input, { ...options, returnWeights: true, returnLogSumExp: true });

  const resolved = resolveWeights(weights, heads, kvHeads);
  const call = layer.describe(input, options);
  const [batch, , queries, columns] = wanted.weights!.shape as [number, number, number, number];
  const [probabilities, sums]: [number[], number[]] = [[], []];
  for (let b = 0; b < batch; b++) {
    for (let head = 0; head < heads; head++) {
      for (let i = 0; i < queries; i++) {
        for (let j = 0; j < columns; j++) {
          const explanation = explainLayer(resolved, call, { batch: b, head, query: i, key: j });
          probabilities.push(explanation.probability);
          if (j === 0) sums.push(explanation.logSumExp);
        }
      }
    }
  }
  t.is(findDeviation(wanted.weights!.data, probabilities, 2e-6, 2e-5), undefined, 'weights');
  t.is(findDeviation(wanted.logSumExp!.data, sums, 5e-6, 2e-6), undefined, 'logSumExp');
});

const widths = { heads: 4, headDim: 3, modelDim: 6 };
const query = normalTensor([2, 4, 6], 1);
const key = normalTensor([2, 5, 7], 2);

test('every weight of self-attention is the one that a layer returns', explainsAll, {
  widths,
  query,
  options: { causal: true },
});
test('so without biases', explainsAll, { widths: { ...widths, hasBias: false }, query });
test('so with grouped heads and keys of another width', explainsAll, {
  widths: { ...widths, kvHeads: 2, keyWidth: 7, valueDim: 2 },
  query,
  key,
  options: { mask: randomMask([4, 4, 5], 3), keyLengths: [5, 2] },
});
test('so with a learned key that every query attends, whatever is masked', explainsAll, {
  widths: { ...widths, hasBiasKey: true },
  query,
  options: { mask: randomMask([4, 1, 4], 4, 0.4), causal: true },
});
test('so with a learned key and one of zeros after padding', explainsAll, {
  widths: { ...widths, kvHeads: 2, hasBiasKey: true, addZeroAttention: true },
  query,
  options: { keyLengths: [1, 0] },
});

test('extra keys have no bias and follow all others', async (t) => {
  const given = { ...widths, hasBiasKey: true, addZeroAttention: true };
  const weights = layerWeights(given);
  using layer = await engineOf().multiHeadAttention({ heads: 4, weights });
  const bias = normalTensor([4, 4], 5);
  const resolved = resolveWeights(weights, 4, 4);
  const call = layer.describe(query, { bias });
  const zero = explainLayer(resolved, call, { head: 1, query: 2, key: 5 });
  t.like(zero, { allowed: true, steps: { dot: 0, bias: 0, biased: 0 } });
  const none = { head: 1, query: 2, key: 6 };
  await assertRefused(t, () => explainLayer(resolved, call, none), {
    code: 'INVALID_OPTION',
    what: ['`key`', 'from 0 to 5'],
  });
  const noHead = { head: 4, query: 2, key: 0 };
  await assertRefused(t, () => explainLayer(resolved, call, noHead), {
    code: 'INVALID_OPTION',
    what: ['`head`', 'from 0 to 3'],
  });
});

test('a sequence of a ragged batch is explained as if it were alone', async (t) => {
  const weights = layerWeights(widths);
  using layer = await engineOf().multiHeadAttention({ heads: 4, weights });
  const resolved = resolveWeights(weights, 4, 4);
  const x = normalTensor([7, 6], 6);
  const call = layer.describe(x, { offsets: [0, 2, 2, 7], causal: true });
  const alone = { shape: [5, 6], data: x.data.subarray(2 * 6) };
  const at = { head: 3, query: 4, key: 1 };
  const explanation = explainLayer(resolved, call, { ...at, batch: 2 });
  const wanted = explainLayer(resolved, layer.describe(alone, { causal: true }), at);
  t.deepEqual(explanation, { ...wanted, at: { ...wanted.at, batch: 2 } });
  const empty = { ...at, batch: 1 };
  await assertRefused(t, () => explainLayer(resolved, call, empty), {
    code: 'INVALID_OPTION',
    what: ['`query`', 'any query'],
  });
});

test('rope and qkNorm change the projected rows, but no extra key', (t) => {
  const weights = layerWeights({
    ...widths,
    headDim: 4,
    kvHeads: 2,
    hasBiasKey: true,
    addZeroAttention: true,
  });
  const resolved = resolveWeights(weights, 4, 2);
  const rope = { base: 20, dims: 2 };
  const qkNorm = { q: [1, 2, 0.5, 1], k: [0.5, 1, -1, 1] };
  const batch = denseBatch(2, 4, 4, { keyLengths: undefined, offsets: undefined, keyOffsets: undefined });
  const options = resolveOptions({ rope, qkNorm, causal: true }, resolved, batch, []);
  const wanted = multiHeadOracle(
    weights,
    { query, key: query, value: query },
    { heads: 4, kvHeads: 2, rope, qkNorm, causalOffset: () => 0 },
  );
  const call = { query, key: query, batch, options };
  const explained = [0, 1].flatMap((b) =>
    [0, 1, 2, 3].flatMap((head) =>
      [0, 1, 2, 3].flatMap((i) =>
        [0, 1, 2, 3, 4, 5].map(
          (j) => explainLayer(resolved, call, { batch: b, head, query: i, key: j }).probability,
        ),
      ),
    ),
  );
  const oracle = wanted.entries.flatMap((entry) => [...entry.weights]);
  t.is(findDeviation(explained, oracle, 1e-12, 1e-12), undefined);
});

test('the keys of a cache are refused, for only the engine has them', async (t) => {
  const weights = layerWeights(widths);
  const resolved = resolveWeights(weights, 4, 4);
  const lengths = { keyLengths: undefined, offsets: undefined, keyOffsets: undefined };
  const batch = { ...denseBatch(2, 4, 4, lengths), isCached: true };
  const call = { query, key: query, batch, options: resolveOptions({}, resolved, batch, []) };
  const at = { head: 0, query: 0, key: 0 };
  await assertRefused(t, () => explainLayer(resolved, call, at), { code: 'INVALID_OPTION', what: '`cache`' });
});
