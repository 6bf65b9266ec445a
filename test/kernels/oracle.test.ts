// The oracle held against numbers that others computed, by hand and by PyTorch in float64, and against itself where two
// ways of asking must give the same.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { readStateDict, weightsFromTorch } from '../../src/index.js';
import {
  attendOracle,
  multiHeadOracle,
  type OracleDims,
  type OracleInputs,
  type OracleOptions,
  type OracleStage,
} from '../oracle/oracle.js';
import { attentionCase } from '../helpers/attention-case.js';
import { normalTensor } from '../helpers/random.js';
import { packageRoot } from '../helpers/package-root.js';
import { findDeviation } from '../helpers/tolerance.js';

const dims: OracleDims = { batch: 1, heads: 1, kvHeads: 1, queries: 1, keys: 2, headDim: 1, valueDim: 1 };

test('two keys with scores 0 and ln 3 weigh one quarter and three quarters', (t) => {
  const { output, weights, logSumExp } = attendOracle({ dims, q: [1], k: [0, Math.log(3)], v: [8, 4] });
  t.is(findDeviation(weights, [0.25, 0.75], 1e-15), undefined);
  t.is(findDeviation(output, [5], 1e-14), undefined);
  t.is(findDeviation(logSumExp, [Math.log(4)], 1e-15), undefined);
});

test('the scale multiplies, the bias adds, and -infinity leaves out', (t) => {
  const inputs = { dims, q: [2], k: [0, 1], v: [8, 4] };
  const scaled = attendOracle({ ...inputs, scale: Math.log(3) / 2 });
  t.is(findDeviation(scaled.weights, [0.25, 0.75], 1e-15), undefined);
  const biased = attendOracle({ ...inputs, scale: 0, bias: (_b, _h, _i, j) => (j === 0 ? Math.log(3) : 0) });
  t.is(findDeviation(biased.weights, [0.75, 0.25], 1e-15), undefined);
  const leftOut = attendOracle({
    ...inputs,
    k: [NaN, 1],
    v: [NaN, 4],
    bias: (_b, _h, _i, j) => (j === 0 ? -Infinity : 0),
  });
  t.deepEqual([...leftOut.output, ...leftOut.weights], [4, 0, 1]);
});

test('a row without keys is zeros with a log-sum-exp of -infinity, whatever its scores are', (t) => {
  for (const empty of [
    { keyLengths: [0] },
    { mask: () => false },
    { causalOffset: () => -1 },
    { bias: () => -Infinity },
  ]) {
    const { output, weights, logSumExp } = attendOracle({
      dims,
      q: [NaN],
      k: [NaN, NaN],
      v: [NaN, NaN],
      ...empty,
    });
    t.deepEqual([...output, ...weights, ...logSumExp], [0, 0, 0, -Infinity]);
  }
  const lowest = attendOracle({ dims, q: [0], k: [0, 0], v: [1, 3], bias: () => -3.4e38 });
  t.deepEqual([...lowest.output, ...lowest.weights], [2, 0.5, 0.5]);
});

test('extra keys are attended after all others, whatever is masked', (t) => {
  const extra = { count: 1, k: [0], v: [6] };
  const masked = attendOracle({ dims, q: [1], k: [0, 0], v: [0, 0], extra, mask: () => false });
  t.deepEqual([...masked.output, ...masked.weights], [6, 0, 0, 1]);
  const all = attendOracle({ dims, q: [1], k: [0, 0], v: [0, 0], extra });
  t.is(findDeviation(all.output, [2], 1e-15), undefined);
});

test('query head h reads key/value head floor(h / group), of its own entry', (t) => {
  const sizes = { ...dims, batch: 2, heads: 4, kvHeads: 2, keys: 1 };
  const { output } = attendOracle({ dims: sizes, q: new Float64Array(8), k: [0, 0, 0, 0], v: [1, 2, 3, 4] });
  t.deepEqual([...output], [1, 1, 2, 2, 3, 3, 4, 4]);
});

test('a row whose scores are all -infinity has a log-sum-exp of -infinity and weights 0 / 0', (t) => {
  const { weights, logSumExp } = attendOracle({ dims, q: [1], k: [-Infinity, -Infinity], v: [1, 2] });
  t.deepEqual([...weights, ...logSumExp], [NaN, NaN, -Infinity]);
  const above = attendOracle({ dims, q: [1], k: [Infinity, 0], v: [1, 2] });
  t.true(above.output.every(Number.isNaN));
});

test('the softcap bends scores before ALiBi and bias are added', (t) => {
  // 2 · tanh(x / 2) is 1 at 2 · atanh(1/2) = ln 3.
  const inputs = { dims, q: [1], k: [Math.log(3), 0], v: [0, 0], softcap: 2 };
  const { scores } = attendOracle({ ...inputs, bias: () => 5, alibiSlopes: [0.25] });
  t.is(findDeviation(scores('scaled'), [Math.log(3), 0], 1e-15), undefined);
  t.is(findDeviation(scores('softcapped'), [1, 0], 1e-15), undefined);
  t.is(findDeviation(scores('biased'), [6, 4.75], 1e-15), undefined);
  const { weights } = attendOracle(inputs);
  t.is(findDeviation(weights, [Math.E / (Math.E + 1), 1 / (Math.E + 1)], 1e-15), undefined);
});

test('a window counts inclusive distances from the diagonal of its entry', (t) => {
  const sizes = { ...dims, batch: 2, queries: 2, keys: 4 };
  const given = { dims: sizes, q: [0, 0, 0, 0], k: new Float64Array(8), v: new Float64Array(8) };
  const offset = (b: number): number => b;
  const reach = (window: OracleOptions['window'], more: OracleOptions = {}): string[] => {
    const { weights } = attendOracle({ ...given, offset, ...(window && { window }), ...more });
    return [0, 1, 2, 3].map((row) =>
      [...weights.subarray(row * 4, row * 4 + 4)].map((weight) => (weight > 0 ? 'x' : '.')).join(''),
    );
  };
  t.deepEqual(reach({ left: 0, right: 0 }), ['x...', '.x..', '.x..', '..x.']);
  t.deepEqual(reach({ left: 1 }), ['xxxx', 'xxxx', 'xxxx', '.xxx']);
  t.deepEqual(reach({ right: 1 }), ['xx..', 'xxx.', 'xxx.', 'xxxx']);
  t.deepEqual(reach({ left: 1, right: 1 }, { keyLengths: [1, 3] }), ['x...', 'x...', 'xxx.', '.xx.']);
  t.deepEqual(reach({ left: 1 }, { causalOffset: offset }), ['x...', 'xx..', 'xx..', '.xx.']);
});

test('ALiBi subtracts slope · |position - j|, each head with a slope of its own', (t) => {
  const sizes = { ...dims, heads: 2, kvHeads: 1, queries: 2, keys: 3 };
  const { scores } = attendOracle({
    dims: sizes,
    q: [0, 0, 0, 0],
    k: [0, 0, 0],
    v: [0, 0, 0],
    alibiSlopes: [1, 0.5],
    offset: () => 1,
  });
  t.is(findDeviation(scores('biased'), [-1, 0, -1, -2, -1, 0, -0.5, 0, -0.5, -1, -0.5, 0], 1e-15), undefined);
});

test('a sink takes its share of the denominator and gives nothing for it', (t) => {
  const sunk = attendOracle({ dims, q: [1], k: [0, 0], v: [8, 4], sinks: [Math.log(2)] });
  t.is(findDeviation(sunk.weights, [0.25, 0.25], 1e-15), undefined);
  t.is(findDeviation(sunk.output, [3], 1e-15), undefined);
  t.is(findDeviation(sunk.logSumExp, [Math.log(4)], 1e-15), undefined);
  const empty = attendOracle({ dims, q: [1], k: [0, 0], v: [8, 4], sinks: [0.5], mask: () => false });
  t.deepEqual([...empty.output, ...empty.weights, ...empty.logSumExp], [0, 0, 0, 0.5]);
  // Beside a sink, scores of -infinity have the weight 0.
  const lowest = attendOracle({ dims, q: [1], k: [-Infinity, -Infinity], v: [8, 4], sinks: [0.5] });
  t.deepEqual([...lowest.output, ...lowest.weights, ...lowest.logSumExp], [0, 0, 0, 0.5]);
});

test('headScale multiplies the output of its head, and 0 makes zeros even of NaN', (t) => {
  const sizes = { ...dims, heads: 3, kvHeads: 3, keys: 1 };
  const inputs = { dims: sizes, q: [0, 0, 0], k: [0, 0, 0], v: [3, NaN, 5], headScale: [-2, 0, 1] };
  const { output, weights } = attendOracle(inputs);
  t.deepEqual([...output, ...weights], [-6, 0, 5, 1, 1, 1]);
});

test('RMSNorm divides by the root of the mean square before it multiplies with its weight', (t) => {
  const sizes = { ...dims, headDim: 2, keys: 1 };
  const qkNorm = { q: [1, 2], k: [3, 1], epsilon: 0 };
  // (3, 4) / √12.5 · (1, 2) and (-1, 1) / 1 · (3, 1): -9 / √12.5 + 8 / √12.5.
  const inputs = { dims: sizes, q: [3, 4], k: [-1, 1], v: [0], scale: 1 };
  t.is(
    findDeviation(attendOracle({ ...inputs, qkNorm }).scores('scaled'), [-1 / Math.sqrt(12.5)], 1e-15),
    undefined,
  );
  const epsilon = 12.5;
  // (3, 4) / 5 · (1, 2) and (-1, 1) / √13.5 · (3, 1).
  t.is(
    findDeviation(
      attendOracle({ ...inputs, qkNorm: { ...qkNorm, epsilon } }).scores('scaled'),
      [(-9 / 5 + 8 / 5) / Math.sqrt(13.5)],
      1e-15,
    ),
    undefined,
  );
});

test('rope turns half-split or neighbouring pairs by position · base^(-2n / dims)', (t) => {
  const sizes = { ...dims, headDim: 5, keys: 1 };
  const quarter = Math.PI / 2;
  // Base 16 on 4 dims: pair 0 turns by the position, pair 1 by a quarter of it. The key stays, and tells what q became.
  const turned = (interleaved: boolean, position: number): number[] =>
    Array.from({ length: 5 }, (_, d) => {
      const k = Array.from({ length: 5 }, (__, n) => (n === d ? 1 : 0));
      const queryPosition = (): number => position;
      const rope = { base: 16, dims: 4, interleaved, queryPosition };
      return attendOracle({ dims: sizes, q: [1, 2, 3, 4, 5], k, v: [0], scale: 1, rope }).scores(
        'scaled',
      )[0]!;
    });
  const [c, s] = [Math.cos(quarter / 4), Math.sin(quarter / 4)];
  t.is(findDeviation(turned(false, quarter), [-3, 2 * c - 4 * s, 1, 2 * s + 4 * c, 5], 1e-14), undefined);
  t.is(findDeviation(turned(true, quarter), [-2, 1, 3 * c - 4 * s, 3 * s + 4 * c, 5], 1e-14), undefined);
  t.deepEqual(turned(false, 0), [1, 2, 3, 4, 5]);
});

const namesOfStatistics = [
  ...(['entropy', 'meanDistance', 'first', 'self', 'previous', 'next', 'largest', 'outputNorm'] as const),
];

test('head statistics are means over the rows that attend a key', (t) => {
  const sizes = { ...dims, queries: 3, keys: 2 };
  // Row 0 weighs 1/4, 3/4; row 1 attends key 1 alone; row 2 nothing.
  const { headStatistics } = attendOracle({
    dims: sizes,
    q: [1, 1, 1],
    k: [0, Math.log(3)],
    v: [8, 4],
    mask: (_b, _h, i, j) => i === 0 || (i === 1 && j === 1),
  });
  const entropy = 0.25 * Math.log(4) + 0.75 * Math.log(4 / 3);
  for (const [name, wanted] of Object.entries({
    entropy: entropy / 2,
    meanDistance: 0.75 / 2,
    first: 0.25 / 2,
    self: (0.25 + 1) / 2,
    previous: 0,
    next: 0.75 / 2,
    largest: (0.75 + 1) / 2,
    outputNorm: (5 + 4) / 2,
  })) {
    t.is(findDeviation(headStatistics[name as 'entropy'], [wanted], 1e-15), undefined, name);
  }
  const shifted = attendOracle({
    dims,
    q: [1],
    k: [0, Math.log(3)],
    v: [8, 4],
    offset: () => 2,
    sinks: [Math.log(4)],
    headScale: [-2],
  }).headStatistics;
  t.is(findDeviation(shifted.previous, [3 / 8], 1e-15), undefined);
  t.is(findDeviation(shifted.meanDistance, [1 / 4 + 3 / 8], 1e-15), undefined);
  t.is(findDeviation(shifted.outputNorm, [5], 1e-14), undefined);
  t.deepEqual([...shifted.self, ...shifted.next], [0, 0]);
  const none = attendOracle({ dims, q: [1], k: [0, 0], v: [8, 4], mask: () => false }).headStatistics;
  t.deepEqual(
    namesOfStatistics.filter((name) => none[name][0] !== 0),
    [],
  );
});

test('extra keys are neither normalised nor turned nor biased, and count in entropy and largest only', (t) => {
  const { scores, headStatistics } = attendOracle({
    dims: { ...dims, headDim: 2 },
    q: [3, 4],
    k: [0, 0, 0, 0],
    v: [0, 0],
    scale: 1,
    extra: { count: 1, k: [2, 0], v: [6] },
    softcap: 1e9,
    qkNorm: { q: [1, 1], k: [0, 0], epsilon: 12.5 },
    rope: { base: 10 },
    alibiSlopes: [1e9],
    window: { left: 0, right: 0 },
    bias: () => 1,
    offset: () => 5,
  });
  for (const stage of ['scaled', 'softcapped', 'biased'] as const) {
    const turned = (3 * Math.cos(5) - 4 * Math.sin(5)) / 5;
    t.is(findDeviation(scores(stage).subarray(2), [2 * turned], 1e-14), undefined, stage);
  }
  t.deepEqual([...scores('biased').subarray(0, 2)], [-Infinity, -Infinity]);
  t.deepEqual([...scores('probabilities')], [0, 0, 1]);
  const { entropy, largest, outputNorm, ...others } = headStatistics;
  t.deepEqual([entropy[0], largest[0], outputNorm[0]], [0, 1, 6]);
  t.deepEqual([...new Set(Object.values(others).map((numbers) => numbers[0]))], [0]);
});

test('scores hold every valid key until they are biased', (t) => {
  const { scores } = attendOracle({
    dims: { ...dims, keys: 3 },
    q: [2],
    k: [1, 2, NaN],
    v: [0, 0, 0],
    keyLengths: [2],
    mask: (_b, _h, _i, j) => j === 0,
  });
  t.deepEqual([...scores('scaled')], [2, 4, -Infinity]);
  t.deepEqual([...scores('softcapped')], [2, 4, -Infinity]);
  t.deepEqual([...scores('biased')], [2, -Infinity, -Infinity]);
  t.deepEqual([...scores('probabilities')], [1, 0, 0]);
});

const sizes = { batch: 2, heads: 4, kvHeads: 2, queries: 5, keys: 7, headDim: 6, valueDim: 3 };
const all: OracleInputs = attentionCase({
  ...sizes,
  seed: 9,
  causal: 'bottom-right',
  keyLengths: [7, 4],
  window: { left: 3 },
  softcap: 3,
  alibiSlopes: [1, 0.5, 0.25, 0],
  sinks: [0, 1, -Infinity, 2],
  headScale: [1, 2, -1, 0.5],
  rope: { base: 100, dims: 4 },
  bias: normalTensor([5, 7], 3),
  qkNorm: { q: normalTensor([6], 1).data, k: normalTensor([6], 2).data },
}).oracle;

const stages: readonly OracleStage[] = ['scaled', 'softcapped', 'biased', 'probabilities'];

/** That two ways of asking give the same numbers, to a few ulp of a float64. */
const agrees = test.macro<[OracleInputs, OracleInputs, number?]>((t, given, wanted, tolerance = 1e-14) => {
  const [actual, expected] = [attendOracle(given), attendOracle(wanted)];
  t.is(findDeviation(actual.output, expected.output, tolerance), undefined, 'output');
  t.is(findDeviation(actual.logSumExp, expected.logSumExp, tolerance), undefined, 'logSumExp');
  for (const stage of stages) {
    t.is(findDeviation(actual.scores(stage), expected.scores(stage), tolerance), undefined, stage);
  }
  for (const name of namesOfStatistics) {
    const [numbers, others] = [actual.headStatistics[name], expected.headStatistics[name]];
    t.is(findDeviation(numbers, others, tolerance), undefined, name);
  }
});

test('a huge softcap is none', agrees, { ...all, softcap: 1e9 }, { ...all, softcap: undefined });
test(
  'slopes of zero are none',
  agrees,
  { ...all, alibiSlopes: [0, 0, 0, 0] },
  { ...all, alibiSlopes: undefined },
);
test(
  'sinks of -infinity are none',
  agrees,
  { ...all, sinks: [-Infinity, -Infinity, -Infinity, -Infinity] },
  { ...all, sinks: undefined },
);
test(
  'factors of one are none',
  agrees,
  { ...all, headScale: [1, 1, 1, 1] },
  { ...all, headScale: undefined },
);
test(
  'a wide window is none',
  agrees,
  { ...all, window: { left: 99, right: 99 } },
  { ...all, window: undefined },
);
test(
  'a window of nothing to the right is causal',
  agrees,
  { ...all, causalOffset: undefined, offset: all.causalOffset, window: { left: 3, right: 0 } },
  all,
);
test(
  'ALiBi is the bias of its distances',
  agrees,
  {
    ...all,
    alibiSlopes: undefined,
    bias: (b, h, i, j) =>
      all.bias!(b, h, i, j) - all.alibiSlopes![h]! * Math.abs(i + all.causalOffset!(b) - j),
  },
  all,
);
test(
  'a window is the mask of its distances',
  agrees,
  { ...all, window: undefined, mask: (b, _h, i, j) => j >= i + all.causalOffset!(b) - 3 },
  all,
);
test('a sink is an extra key of that score whose value is zero', (t) => {
  const inputs: OracleInputs = { ...attentionCase({ ...sizes, kvHeads: 4 }).oracle, scale: 1 };
  // Queries that end in 1 make a key (0, …, 0, c) score c.
  const q = Float64Array.from(inputs.q, (value, n) => (n % 6 === 5 ? 1 : value));
  const sinks = [0, 1, -2, 2];
  const k = Float64Array.from({ length: 24 }, (_, n) => (n % 6 === 5 ? sinks[Math.floor(n / 6)]! : 0));
  const sunk = attendOracle({ ...inputs, q, sinks });
  const other = attendOracle({ ...inputs, q, extra: { count: 1, k, v: new Float64Array(12) } });
  t.is(findDeviation(sunk.output, other.output, 1e-14), undefined);
  t.is(findDeviation(sunk.logSumExp, other.logSumExp, 1e-14), undefined);
});
const turning = {
  ...all,
  alibiSlopes: undefined,
  window: undefined,
  causalOffset: undefined,
  bias: undefined,
};
const moved = (by: number): OracleInputs => ({
  ...turning,
  rope: {
    base: 100,
    dims: 4,
    queryPosition: (_, i) => 2 * i + by,
    keyPosition: (_, j) => 3 * j + by,
  },
});
test('scores under rope know distances only', agrees, moved(0), moved(1000), 1e-11);
test(
  'rope at position 0 is none',
  agrees,
  { ...turning, rope: { base: 100, queryPosition: () => 0, keyPosition: () => 0 } },
  { ...turning, rope: undefined },
);
test('normalising what is normalised changes nothing', (t) => {
  const ones = new Float64Array(6).fill(1);
  const qkNorm = { q: ones, k: ones, epsilon: 0 };
  const scaled = (factor: number) => ({ ...all, q: Float64Array.from(all.q, (x) => x * factor), qkNorm });
  const [once, tenfold] = [attendOracle(scaled(1)), attendOracle(scaled(10))];
  t.is(findDeviation(tenfold.output, once.output, 1e-14), undefined);
});
test('the first queries of a causal call are a call of their own', (t) => {
  const { oracle } = attentionCase({ queries: 7, headDim: 6, seed: 4, causal: 'top-left' });
  const options = { ...all, causalOffset: oracle.causalOffset, keyLengths: undefined };
  const whole = attendOracle({ ...options, ...oracle });
  for (let n = 1; n < 7; n++) {
    const first = attendOracle({ ...options, ...oracle, dims: { ...oracle.dims, queries: n, keys: n } });
    t.deepEqual(first.output, whole.output.slice(0, n * 6));
    t.deepEqual(first.logSumExp, whole.logSumExp.slice(0, n));
  }
});

test('the share of a head in the output is its block of W^O times its output', (t) => {
  const linear = (data: readonly number[], outputs: number) => ({
    weight: { shape: [outputs, data.length / outputs], data },
  });
  const x = { shape: [1, 2], data: [3, 5] };
  const { entries, output } = multiHeadOracle(
    {
      query: linear([0, 0, 0, 0], 2),
      key: linear([0, 0, 0, 0], 2),
      value: linear([1, 0, 0, 1], 2),
      output: linear([3, 0, 4, 1], 2),
    },
    { query: x, key: x, value: x },
    { heads: 2, headScale: [1, -2] },
  );
  t.deepEqual([...output], [9, 2]);
  t.deepEqual([...entries[0]!.headStatistics.contributionNorm!], [15, 10]);
  t.deepEqual([...entries[0]!.headStatistics.outputNorm], [3, 10]);
});

const folder = new URL('test/conformance/torch-multihead/', packageRoot());
const { cases } = JSON.parse(readFileSync(new URL('cases.json', folder), 'utf8')) as {
  cases: { name: string; num_heads: number; add_zero_attn: boolean }[];
};

// Those without masks, whose meaning PyTorch inverts: the adapters of the conformance suites are tested elsewhere.
for (const name of ['self_128x8', 'self_no_bias', 'cross_kdim_vdim', 'bias_kv', 'zero_attn']) {
  test(`a layer of the oracle agrees with PyTorch in float64: ${name}`, async (t) => {
    const { num_heads: heads, add_zero_attn: addZeroAttention } = cases.find((one) => one.name === name)!;
    const tensors = await readStateDict(new URL(`${name}.safetensors`, folder).pathname);
    const weights = weightsFromTorch(new Map([...tensors].filter(([key]) => key.startsWith('state.'))), {
      prefix: 'state.',
    });
    const query = tensors.get('input.query')!;
    const key = tensors.get('input.key') ?? query;
    const value = tensors.get('input.value') ?? key;
    const { output } = multiHeadOracle({ ...weights, addZeroAttention }, { query, key, value }, { heads });
    t.is(findDeviation(tensors.get('output.attn_output')!.data, output, 1e-6, 1e-6), undefined);
  });
}
