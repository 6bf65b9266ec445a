// The oracle held against numbers that others computed: by hand, and PyTorch in float64.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { readStateDict, weightsFromTorch } from '../../src/index.js';
import { attendOracle, multiHeadOracle, type OracleDims } from '../../workers/kernels/reference/oracle.js';
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

test('extra keys are attended behind all others, whatever is masked', (t) => {
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
