// The rotating phase by itself: heads normalised and turned in place, against the formulas written down plainly.
import test, { type ExecutionContext } from 'ava';
import type { Rotary } from '../../src/core/protocol/head-work.js';
import { assertSameBytes } from '../helpers/assertions.js';
import { uniformTensor } from '../helpers/random.js';
import { rotate, type Floats, type RotateCase, type Side } from '../helpers/rotate-case.js';
import { ulp32 } from '../helpers/tolerance.js';

const halfSplit: Rotary = { base: 10_000, dims: 8, interleaved: false };
const weightsOf = (headDim: number) => ({
  q: uniformTensor([headDim], 11, 0.5, 2).data,
  k: uniformTensor([headDim], 12, -2, 2).data,
  epsilon: 1e-6,
});

/** The formulas: x / √(mean(x²) + ε) · w, then (a, b) -> (a cos - b sin, b cos + a sin) for each pair. */
function expectHead(x: readonly number[], position: number, weight: Floats | undefined, options: RotateCase) {
  const { norm, rotary } = options;
  const y = [...x];
  if (weight !== undefined) {
    const mean = y.reduce((sum, value) => sum + value ** 2, 0) / y.length;
    y.forEach((value, d) => (y[d] = (value / Math.sqrt(mean + norm!.epsilon)) * weight[d]!));
  }
  for (let i = 0; rotary !== undefined && i < rotary.dims / 2; i++) {
    const angle = position * rotary.base ** ((-2 * i) / rotary.dims);
    const [first, second] = rotary.interleaved ? [2 * i, 2 * i + 1] : [i, i + rotary.dims / 2];
    const [a, b] = [y[first]!, y[second]!];
    y[first] = a * Math.cos(angle) - b * Math.sin(angle);
    y[second] = b * Math.cos(angle) + a * Math.sin(angle);
  }
  return y;
}

/** That every number is the formula's, rounded once. */
function checkSide(t: ExecutionContext, name: string, side: Side, options: RotateCase): void {
  const { before, data, heads, rows, weight, positions, elementOf } = side;
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < rows; row++) {
      const at = Array.from({ length: options.headDim ?? 8 }, (_, d) => elementOf(head, row, d));
      const wanted = expectHead(
        at.map((n) => before[n]!),
        positions[row]!,
        weight,
        options,
      );
      at.forEach((n, d) => {
        const error = Math.abs(data[n]! - wanted[d]!);
        if (error > 0.5 * ulp32(wanted[d]!) + 1e-14) {
          t.fail(`${name} [${head}, ${row}, ${d}]: ${data[n]!} instead of ${wanted[d]!}`);
        }
      });
    }
  }
}

const matches = test.macro((t, options: RotateCase) => {
  const { query, key } = rotate(options);
  checkSide(t, 'query', query, options);
  checkSide(t, 'key', key, options);
  t.notDeepEqual(query.data, query.before);
  t.notDeepEqual(key.data, key.before);
});

const ragged = [
  { queries: 3, keys: 3, diagonal: 0 },
  { queries: 0, keys: 4, diagonal: 4 },
  { queries: 7, keys: 9, diagonal: 2 },
  { queries: 1, keys: 1, diagonal: 0 },
  { queries: 4, keys: 2, diagonal: -2 },
];
const norm = weightsOf(8);
const rotary = halfSplit;

test('heads are normalised', matches, { norm });
test('heads are normalised whose width is odd', matches, { norm: weightsOf(7), headDim: 7 });
test('heads of one number are normalised', matches, { norm: weightsOf(1), headDim: 1 });
test('a large epsilon counts', matches, { norm: { ...norm, epsilon: 3 } });
test('heads are turned', matches, { rotary });
test('heads are normalised, then turned', matches, { norm, rotary });
test('only the first dims turn', matches, { headDim: 11, rotary: { ...rotary, dims: 6 } });
test('pairs lie side by side', matches, { rotary: { ...rotary, interleaved: true } });
test('pairs lie side by side in the first dims', matches, {
  headDim: 11,
  norm: weightsOf(11),
  rotary: { base: 500, dims: 6, interleaved: true },
});
test('a single pair turns', matches, { headDim: 3, rotary: { ...rotary, dims: 2 } });
test('fewer key heads than query heads turn', matches, { heads: 6, kvHeads: 2, norm, rotary });
test('heads lie side by side', matches, { heads: 6, kvHeads: 3, norm, rotary, arrangement: 'token-major' });
test('ragged sequences start over', matches, { sequences: ragged, norm, rotary });
test('ragged sequences start over where heads lie side by side', matches, {
  sequences: ragged,
  heads: 3,
  kvHeads: 1,
  norm,
  rotary,
  arrangement: 'token-major',
});
test('positions far away are exact', matches, {
  sequences: [{ queries: 5, keys: 5, diagonal: 1_000_000 }],
  rotary,
});
test('keys after those of a cache stand where they follow', matches, {
  sequences: [
    { queries: 2, keys: 2, diagonal: 40, keyPosition: 40 },
    { queries: 3, keys: 5, diagonal: 7, keyPosition: 5 },
  ],
  norm,
  rotary,
});
test('positions are as given', matches, {
  sequences: ragged,
  norm,
  rotary,
  positions: {
    q: Array.from({ length: 15 }, (_, row) => 3 * row + 1),
    k: Array.from({ length: 19 }, (_, row) => 1e6 - row),
  },
});

test('one side alone is normalised', (t) => {
  const { q } = norm;
  const key = uniformTensor([8], 1, 1, 1).data;
  const both = rotate({ norm });
  const alone = rotate({ norm: { q, k: key, epsilon: norm.epsilon } });
  assertSameBytes(t, alone.query.data, both.query.data);
  t.notDeepEqual(alone.key.data, both.key.data);
});

test('nothing asked for changes nothing', (t) => {
  const { query, key } = rotate({});
  assertSameBytes(t, query.data, query.before);
  assertSameBytes(t, key.data, key.before);
});

test('position 0 leaves every number as it is, infinities and negative zeros included', (t) => {
  const queries = [-0, 0, Infinity, -Infinity, 1e-45, -3.4e38, 1, -0];
  const sequences = [{ queries: 1, keys: 1, diagonal: 0 }];
  for (const interleaved of [false, true]) {
    const { query, key } = rotate({ heads: 1, sequences, queries, rotary: { ...rotary, interleaved } });
    assertSameBytes(t, query.data, Float32Array.from(queries));
    assertSameBytes(t, key.data, key.before);
  }
});

test('turning keeps lengths', (t) => {
  const { query } = rotate({ rotary });
  for (let start = 0; start < query.data.length; start += 8) {
    const squares = (data: Float32Array) =>
      data.subarray(start, start + 8).reduce((sum, x) => sum + x * x, 0);
    t.true(Math.abs(squares(query.data) - squares(query.before)) < 1e-5 * squares(query.before));
  }
});

const keepsDistances = test.macro((t, interleaved: boolean, shift: number) => {
  const productsAt = (from: number): number[] => {
    const q = Array.from({ length: 5 }, (_, i) => from + 2 * i);
    const k = Array.from({ length: 7 }, (_, j) => from + 3 + j);
    const { query, key } = rotate({ heads: 1, rotary: { ...rotary, interleaved }, positions: { q, k } });
    return q.flatMap((_, i) => k.map((__, j) => dot(query, i, key, j)));
  };
  const [near, far] = [productsAt(0), productsAt(shift)];
  near.forEach((product, n) => {
    t.true(Math.abs(product - far[n]!) < 1e-5, `${product} and ${far[n]!}`);
  });
});

function dot(query: Side, i: number, key: Side, j: number): number {
  let sum = 0;
  for (let d = 0; d < 8; d++)
    sum += query.data[query.elementOf(0, i, d)]! * key.data[key.elementOf(0, j, d)]!;
  return sum;
}

test('products tell distances alone', keepsDistances, false, 17);
test('products tell distances alone, a million tokens away', keepsDistances, false, 1_000_000);
test('products tell distances alone in pairs side by side', keepsDistances, true, 1_000_000);

test('a NaN touches its head of its row alone', (t) => {
  const clean = rotate({ norm, rotary });
  const [start, end] = [clean.query.elementOf(1, 3, 0), clean.query.elementOf(1, 4, 0)];
  const queries = clean.query.before.slice();
  queries[start + 1] = NaN;
  const { query } = rotate({ norm, rotary, queries });
  assertSameBytes(t, query.data, clean.query.data.slice().fill(NaN, start, end));
});

test('a row of zeros stays zero where epsilon is positive', (t) => {
  const { query } = rotate({ norm, rotary, queries: new Float32Array(2 * 5 * 8) });
  t.true(query.data.every((value) => value === 0));
});
