// The checker checked: programs with a bug put in on purpose must fail the tolerance, and right ones must not.
import test from 'ava';
import { attendOracle, type OracleInputs } from '../oracle/oracle.js';
import { attentionCase } from '../helpers/attention-case.js';
import { attendNaive32 } from '../helpers/naive32.js';
import { normalTensor, randomMask } from '../helpers/random.js';
import { findDeviation, findImprecision, PrecisionPool, ulp32 } from '../helpers/tolerance.js';

// 9 and 11 leave a tail in every lane width; 66 keys leave one after a tile.
const dims = { batch: 2, heads: 4, kvHeads: 2, queries: 7, keys: 66, headDim: 9, valueDim: 11 };
const mask = randomMask([2, 1, 7, 66], 3);
const bias = normalTensor([4, 1, 66], 4);
const { oracle: right } = attentionCase({ ...dims, mask, bias, causal: 'bottom-right' });

/** The float32 program on other inputs, or its result changed. */
type Bug = (inputs: OracleInputs) => Float64Array;

const run = (inputs: OracleInputs): Float64Array => attendNaive32(inputs).output;
const mapOf = (
  numbers: ArrayLike<number>,
  width: number,
  change: (value: number, d: number, row: number) => number,
) => Float64Array.from(numbers, (value, n) => change(value, n % width, Math.floor(n / width)));

const bugs: Record<string, Bug> = {
  'the scale is missing': (inputs) => run({ ...inputs, scale: 1 }),
  'the scale is that of valueDim': (inputs) => run({ ...inputs, scale: 1 / Math.sqrt(dims.valueDim) }),
  'the tail lane of the product is skipped': (inputs) =>
    run({ ...inputs, q: mapOf(inputs.q, dims.headDim, (value, d) => (d === 8 ? 0 : value)) }),
  'the tail lane of the values is skipped': (inputs) =>
    mapOf(run(inputs), dims.valueDim, (value, d) => (d === 10 ? 0 : value)),
  'the tail of the keys is skipped': (inputs) => run({ ...inputs, keyLengths: [64, 64] }),
  'the last key is skipped': (inputs) => run({ ...inputs, keyLengths: [65, 65] }),
  'two heads are swapped': (inputs) => {
    const output = run(inputs);
    const size = dims.queries * dims.valueDim;
    output.set([...output.subarray(size, 2 * size), ...output.subarray(0, size)]);
    return output;
  },
  'key/value heads are dealt out in turns': (inputs) => {
    const order = (b: number, h: number) => (b * 4 + [0, 2, 1, 3][h]!) * dims.queries * dims.valueDim;
    const source = run({ ...inputs, q: reorderHeads(inputs.q, dims.queries * dims.headDim) });
    return Float64Array.from(source, (_, n) => {
      const size = dims.queries * dims.valueDim;
      const block = Math.floor(n / size);
      return source[order(Math.floor(block / 4), block % 4) + (n % size)]!;
    });
  },
  'the mask is off by one': (inputs) =>
    run({ ...inputs, mask: (b, h, i, j) => inputs.mask!(b, h, i, (j + 1) % 66) }),
  'the mask is that of the other entry': (inputs) =>
    run({ ...inputs, mask: (b, h, i, j) => inputs.mask!(1 - b, h, i, j) }),
  'the mask is inverted': (inputs) => run({ ...inputs, mask: (b, h, i, j) => !inputs.mask!(b, h, i, j) }),
  'the diagonal is one too far': (inputs) =>
    run({ ...inputs, mask: undefined, causalOffset: (b) => inputs.causalOffset!(b) + 1 }),
  'the diagonal is one too near': (inputs) =>
    run({ ...inputs, mask: undefined, causalOffset: (b) => inputs.causalOffset!(b) - 1 }),
  'the bias is missing': (inputs) => run({ ...inputs, bias: undefined }),
  'the bias is scaled': (inputs) => run({ ...inputs, bias: (...at) => inputs.bias!(...at) / 3 }),
  'the sum of weights lacks one': (inputs) => run(inputs).map((value) => value * 1.01),
  'the exponential is exact to 16 bits only': (inputs) =>
    run(inputs).map((value, n) => value * (1 + (n % 2 === 0 ? 2 : -2) * 2 ** -16)),
  'one number is NaN': (inputs) => run(inputs).map((value, n) => (n === 50 ? NaN : value)),
  'one number is missing': (inputs) => run(inputs).subarray(1),
};

/** Query heads 1 and 2 of each entry exchanged. */
function reorderHeads(q: ArrayLike<number>, size: number): Float64Array {
  return Float64Array.from(q, (_, n) => {
    const block = Math.floor(n / size);
    return q[(block - (block % 4) + [0, 2, 1, 3][block % 4]!) * size + (n % size)]!;
  });
}

for (const [title, bug] of Object.entries(bugs)) {
  test(`a program in which ${title} fails`, (t) => {
    const isAboutDiagonal = title.startsWith('the diagonal');
    const inputs = isAboutDiagonal ? { ...right, mask: undefined } : right;
    const oracle = attendOracle(inputs).output;
    const actual = bug(inputs);
    t.regex(findImprecision({ actual, oracle, naive: run(inputs) }) ?? 'passed', /element|numbers instead/);
    if (!title.includes('16 bits')) t.not(findDeviation(actual, oracle), undefined);
  });
}

test('the plain program itself passes, and the oracle passes without any error', (t) => {
  const oracle = attendOracle(right).output;
  t.is(findImprecision({ actual: run(right), oracle, naive: run(right) }), undefined);
  t.is(findDeviation(run(right), oracle), undefined);
  t.is(findImprecision({ actual: oracle, oracle, naive: oracle }), undefined);
});

test('the bound allows twice the error of the plain program and two ulp, and no more', (t) => {
  const [oracle, naive] = [[1], [1 + 1e-5]];
  const limit = 2e-5 + 2 * 2 ** -23;
  t.is(findImprecision({ actual: [1 + 0.999 * limit], oracle, naive }), undefined);
  t.not(findImprecision({ actual: [1 + 1.001 * limit], oracle, naive }), undefined);
  t.is(ulp32(1), 2 ** -23);
  t.is(ulp32(-1.99), 2 ** -23);
  t.is(ulp32(2), 2 ** -22);
  t.is(ulp32(0), 2 ** -149);
});

test('infinities and NaN pass only where the oracle has the same', (t) => {
  t.is(findDeviation([NaN, -Infinity, 0], [NaN, -Infinity, 0]), undefined);
  for (const [actual, oracle] of [
    [NaN, 0],
    [0, NaN],
    [Infinity, -Infinity],
    [1e38, Infinity],
  ] as const) {
    t.not(findDeviation([actual], [oracle]), undefined, `${actual} for ${oracle}`);
    t.not(
      findImprecision({ actual: [actual], oracle: [oracle], naive: [oracle] }),
      undefined,
      `${actual} for ${oracle}`,
    );
  }
});

test('a pool holds the largest errors of all results against each other', (t) => {
  const pool = new PrecisionPool();
  pool.add({ actual: [1.001], oracle: [1], naive: [1] }, 'first');
  t.regex(pool.findProblem() ?? '', /^first element 0/);
  pool.add({ actual: [1], oracle: [1], naive: [1.0006] }, 'second');
  t.is(pool.findProblem(), undefined);
});
