// explainAttention held against what an engine returns for every weight of a call, and against numbers by hand.
import test, { type ExecutionContext } from 'ava';
import { explainAttention, type WeightIndex } from '../../src/attention/explain.js';
import type { Explanation } from '../../src/attention/explain-row.js';
import type { AttentionInputs } from '../../src/index.js';
import { createTensor } from '../../src/core/tensor/tensor.js';
import { assertRefused } from '../helpers/assertions.js';
import { normalTensor, randomMask } from '../helpers/random.js';
import { beside, inputs, openEngine, ragged } from '../helpers/refusals.js';
import { findDeviation } from '../helpers/tolerance.js';

const engineOf = openEngine();

type Asked = Partial<AttentionInputs>;

/** Explains every weight of a dense call; the weights, their rows' log-sum-exp and ranks must be the engine's. */
const explainsAll = test.macro(async (t: ExecutionContext, base: AttentionInputs, change: Asked = {}) => {
  const given: AttentionInputs = { ...base, ...change };
  const result = await engineOf().attention({ ...given, returnWeights: true, returnLogSumExp: true });
  const [batch, heads, queries, keys] = result.weights!.shape as [number, number, number, number];
  const [weights, sums]: [number[], number[]] = [[], []];
  for (let b = 0; b < batch; b++) {
    for (let head = 0; head < heads; head++) {
      for (let query = 0; query < queries; query++) {
        const row = Array.from({ length: keys }, (_, key) =>
          explainAttention(given, { batch: b, head, query, key }),
        );
        weights.push(...row.map(({ probability }) => probability));
        sums.push(row[0]!.logSumExp);
        checkRow(t, row);
      }
    }
  }
  t.is(findDeviation(result.weights!.data, weights, 1e-6, 1e-5), undefined, 'weights');
  t.is(findDeviation(result.logSumExp!.data, sums, 2e-6, 1e-6), undefined, 'logSumExp');
});

/** What holds for every row: sums, maximum and ranks are those of its attended keys, and every other key has a reason. */
function checkRow(t: ExecutionContext, row: readonly Explanation[]): void {
  const attended = row.filter(({ allowed }) => allowed);
  const { maximum, logSumExp } = row[0]!;
  t.is(maximum, Math.max(...attended.map(({ steps }) => steps!.biased)));
  for (const { allowed, reason, because, probability, rank, steps } of row) {
    t.is(reason === undefined, allowed);
    t.is(because === undefined, allowed);
    t.is(steps === undefined, reason === 'length');
    if (allowed) t.true(Math.abs(probability - Math.exp(steps!.biased - logSumExp)) < 1e-12);
    else t.deepEqual([probability, rank], [0, undefined]);
  }
  const byRank = attended.toSorted((a, b) => a.rank! - b.rank!);
  t.deepEqual(
    byRank.map(({ rank }) => rank),
    attended.map((_, n) => n + 1),
  );
  byRank.slice(1).forEach(({ probability }, n) => {
    t.true(probability <= byRank[n]!.probability);
  });
}

const someBias = normalTensor([4, 3, 7], 9);
someBias.data.set([-Infinity, -Infinity], 3);
const paddedKeys = normalTensor([2, 2, 7, 5], 2);
paddedKeys.data.fill(NaN, 3 * 5, 7 * 5);

test('every weight of grouped heads is the one that an engine returns', explainsAll, inputs);
test('so with heads side by side', explainsAll, beside);
test('so with one sequence of rank 2', explainsAll, ragged);
test('so with a negative scale', explainsAll, inputs, { scale: -0.3 });
test('so with a scale of 0, where every key is worth the same', explainsAll, inputs, { scale: 0 });
test('so with a causal mask from the top left', explainsAll, inputs, { causal: 'top-left' });
test('so with a causal mask from the bottom right', explainsAll, inputs, { causal: 'bottom-right' });
test('so with more queries than keys, of which some attend none', explainsAll, {
  q: normalTensor([1, 2, 6, 4], 1),
  k: normalTensor([1, 2, 3, 4], 2),
  v: normalTensor([1, 2, 3, 4], 3),
  causal: 'bottom-right',
});
test('so with a mask', explainsAll, inputs, { mask: randomMask([2, 4, 3, 7], 5) });
test('so with a mask that repeats', explainsAll, inputs, { mask: randomMask([2, 1, 1, 7], 6) });
test('so with a bias that leaves keys out', explainsAll, inputs, { bias: someBias });
test('so with lengths, whatever stands in the padding', explainsAll, inputs, {
  k: paddedKeys,
  keyLengths: [3, 7],
});
test('so with a length of 0', explainsAll, inputs, { keyLengths: [0, 5] });
test('so with everything at once', explainsAll, inputs, {
  mask: randomMask([4, 3, 7], 7, 0.8),
  bias: someBias,
  keyLengths: [6, 4],
  causal: 'bottom-right',
});
test('so with scores far apart', explainsAll, {
  q: normalTensor([1, 2, 4, 8], 1, 20),
  k: normalTensor([1, 2, 9, 8], 2, 20),
  v: normalTensor([1, 2, 9, 8], 3),
});

test('each sequence of a ragged batch is explained by itself', async (t) => {
  const given: AttentionInputs = { ...ragged, offsets: [0, 1, 1, 6], causal: true };
  const { logSumExp } = await engineOf().attention({ ...given, returnLogSumExp: true });
  for (const [batch, first, end] of [
    [0, 0, 1],
    [2, 1, 6],
  ] as const) {
    const slice = (tensor: AttentionInputs['q']) =>
      createTensor([end - first, 20], tensor.data.subarray(first * 20, end * 20));
    const alone: AttentionInputs = {
      q: slice(given.q),
      k: slice(given.k),
      v: slice(given.v),
      heads: 4,
      causal: true,
    };
    for (let query = 0; query < end - first; query++) {
      const at = { head: 3, query, key: 0 };
      const explanation = explainAttention(given, { ...at, batch });
      t.deepEqual(explanation, { ...explainAttention(alone, at), at: explanation.at });
      const sum = logSumExp!.data[3 * 6 + first + query]!;
      t.true(Math.abs(explanation.logSumExp - sum) < 2e-6);
    }
  }
});

test('stored halves are explained as the numbers that they stand for', (t) => {
  const bits = (...values: number[]) => Uint16Array.from(values);
  // 1, 2 and -1.5, 0.5 as bfloat16.
  const q = { shape: [1, 1, 1, 2], data: bits(0x3f80, 0x4000), dtype: 'bf16' } as const;
  const k = { shape: [1, 1, 1, 2], data: bits(0xbfc0, 0x3f00), dtype: 'bf16' } as const;
  const { steps } = explainAttention({ q, k, v: k, scale: 1 }, { head: 0, query: 0, key: 0 });
  t.is(steps!.dot, -0.5);
});

/** One head of two dims: 3 queries and 4 keys with easy products. */
const easy: AttentionInputs = {
  q: createTensor([1, 1, 3, 2], [1, 0, 0, 2, 1, 1]),
  k: createTensor([1, 1, 4, 2], [1, 2, 3, 0, -1, 1, 2, 2]),
  v: createTensor([1, 1, 4, 1], [1, 2, 3, 4]),
};

test('the chain of one key is what the formula gives by hand', (t) => {
  const bias = createTensor([3, 4], [0, 0, 0, 0, 0, 0, 0, 0, 0.25, -Infinity, -0.5, 0]);
  const given: AttentionInputs = { ...easy, scale: 0.5, bias, causal: 'bottom-right' };
  // Query 2 = (1, 1) on keys (1, 2), (3, 0), (-1, 1), (2, 2): products 3, 3, 0, 4.
  const explanation = explainAttention(given, { head: 0, query: 2, key: 2 });
  const sum = Math.exp(1.75) + Math.exp(-0.5) + Math.exp(2);
  t.deepEqual(explanation, {
    at: { batch: 0, head: 0, kvHead: 0, query: 2, position: 3, key: 2 },
    steps: { dot: 0, scale: 0.5, scaled: 0, softcapped: 0, alibi: 0, bias: -0.5, biased: -0.5 },
    allowed: true,
    maximum: 2,
    logSumExp: explanation.logSumExp,
    probability: explanation.probability,
    rank: 3,
  });
  t.true(Math.abs(explanation.logSumExp - Math.log(sum)) < 1e-14);
  t.true(Math.abs(explanation.probability - Math.exp(-0.5) / sum) < 1e-15);
});

test('equal scores share a weight and are ranked by their index', (t) => {
  const ranks = [0, 1, 2, 3].map((key) => explainAttention(easy, { head: 0, query: 2, key }).rank);
  t.deepEqual(ranks, [2, 3, 4, 1]);
});

test('a row with NaN in an attended key has no ranks, and a NaN left out changes nothing', (t) => {
  const k = createTensor([1, 1, 4, 2], [1, 2, NaN, 0, -1, 1, 2, 2]);
  const { probability, rank, logSumExp } = explainAttention({ ...easy, k }, { head: 0, query: 2, key: 0 });
  t.deepEqual([probability, rank, logSumExp], [NaN, undefined, NaN]);
  const mask = { shape: [4], data: [true, false, true, true] };
  const at = { head: 0, query: 2, key: 0 };
  t.deepEqual(explainAttention({ ...easy, k, mask }, at), explainAttention({ ...easy, mask }, at));
});

test('explaining leaves out and aborted signals alone', (t) => {
  const out = createTensor([1, 1, 3, 1], [7, 7, 7]);
  explainAttention({ ...easy, out, signal: AbortSignal.abort() }, { head: 0, query: 0, key: 0 });
  t.deepEqual([...out.data], [7, 7, 7]);
});

type Why = Pick<Explanation, 'reason' | 'because'>;

/** Why key `key` is left out for query `query` of the easy case. */
const leavesOut = test.macro((t: ExecutionContext, change: Asked, query: number, key: number, why: Why) => {
  const explanation = explainAttention({ ...easy, ...change }, { head: 0, query, key });
  t.like(explanation, { allowed: false, probability: 0, ...why });
  t.is(explanation.rank, undefined);
});

const topLeft = { causal: 'top-left' } as const;
test('a key after the position is left out by the causal mask', leavesOut, topLeft, 1, 2, {
  reason: 'causal',
  because: 'key 2 comes after position 1',
});
const lengths = { keyLengths: [3] };
test('a key after the length is padding', leavesOut, { ...topLeft, ...lengths }, 1, 3, {
  reason: 'length',
  because: 'keyLengths[0] = 3',
});
const firstOnly = { mask: { shape: [1, 4], data: [true, false, false, false] } };
test('a masked key names its place in the mask', leavesOut, firstOnly, 2, 1, {
  reason: 'mask',
  because: 'mask is false at [0, 0, 2, 1]',
});
const biasOut = { bias: createTensor([4], [0, 0, -Infinity, 0]) };
test('so does a key that the bias leaves out', leavesOut, biasOut, 1, 2, {
  reason: 'bias',
  because: 'bias is -Infinity at [0, 0, 1, 2]',
});
test('where several rules leave a key out, positions come before operands', (t) => {
  const reasonOf = (change: Asked, key: number) =>
    explainAttention({ ...easy, ...change }, { head: 0, query: 1, key }).reason;
  t.is(reasonOf({ ...topLeft, ...firstOnly, ...biasOut, ...lengths }, 3), 'length');
  t.is(reasonOf({ ...topLeft, ...firstOnly, ...biasOut }, 2), 'causal');
  t.is(reasonOf({ ...firstOnly, ...biasOut }, 2), 'mask');
});

const noPlace = (title: string, at: object, ...words: string[]): void => {
  test(`${title} is refused`, async (t) => {
    const whole = { head: 0, query: 0, key: 0, ...at } as WeightIndex;
    await assertRefused(t, () => explainAttention(inputs, whole), { code: 'INVALID_OPTION', what: words });
  });
};
noPlace('a head that is not there', { head: 4 }, '`head`', 'from 0 to 3', '`4`');
noPlace('a query that is not there', { query: 3 }, '`query`', 'from 0 to 2', '`3`');
noPlace('a key that is not there', { key: 7 }, '`key`', 'from 0 to 6', '`7`');
noPlace('a batch entry that is not there', { batch: 2 }, '`batch`', 'from 0 to 1', '`2`');
noPlace('a negative head', { head: -1 }, '`head`', '`-1`');
noPlace('half a query', { query: 0.5 }, '`query`', '`0.5`');
noPlace('no key', { key: undefined }, '`key`', 'got nothing');
noPlace('text for a batch entry', { batch: '0' }, '`batch`', '"0"');

test('an index of another name is refused', async (t) => {
  const at = { head: 0, query: 0, key: 0, heads: 1 };
  await assertRefused(t, () => explainAttention(inputs, at), {
    code: 'UNKNOWN_OPTION',
    what: ['`heads`', 'did you mean `head`?'],
  });
});

test('no object for the indices is refused', async (t) => {
  const at = undefined as unknown as WeightIndex;
  await assertRefused(t, () => explainAttention(inputs, at), { code: 'INVALID_OPTION', what: '`at`' });
});

test('a batch without entries, queries or keys has nothing to explain', async (t) => {
  const at = { head: 0, query: 0, key: 0 };
  const empty = (batch: number, queries: number, keys: number): AttentionInputs => ({
    q: createTensor([batch, 1, queries, 2]),
    k: createTensor([batch, 1, keys, 2]),
    v: createTensor([batch, 1, keys, 2]),
  });
  await assertRefused(t, () => explainAttention(empty(0, 1, 1), at), {
    code: 'INVALID_OPTION',
    what: ['`batch`', 'any batch'],
  });
  await assertRefused(t, () => explainAttention(empty(1, 0, 1), at), {
    code: 'INVALID_OPTION',
    what: ['`query`', 'any query'],
  });
  await assertRefused(t, () => explainAttention(empty(1, 1, 0), at), {
    code: 'INVALID_OPTION',
    what: ['`key`', 'any key'],
  });
});

for (const [title, change] of Object.entries({
  'an unknown option': { casual: true },
  'a mask of a wrong shape': { mask: { shape: [6], data: new Uint8Array(6) } },
  'a length too many': { keyLengths: [1, 2, 3] },
  'a scale that is none': { scale: NaN },
  'operands that do not fit': { k: normalTensor([2, 2, 7, 4], 1) },
  'no tensor': { q: null },
})) {
  test(`${title} is refused as in a call`, async (t) => {
    const given = { ...inputs, ...(change as Asked) };
    const wanted = await t.throwsAsync(engineOf().attention(given));
    const error = t.throws(() => explainAttention(given, { head: 0, query: 0, key: 0 }));
    t.like(error, {
      name: 'HeadpoolError',
      code: (wanted as { code?: string }).code,
      message: wanted.message,
    });
  });
}
