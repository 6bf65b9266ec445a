// explainAttention with the options that change scores, positions and the denominator: by hand, and every step of every
// key against the oracle, which shares no code with it.
import test, { type ExecutionContext } from 'ava';
import { explainAttention } from '../../src/attention/explain.js';
import type { Explanation } from '../../src/attention/explain-row.js';
import type { AttentionInputs } from '../../src/index.js';
import { createTensor } from '../../src/core/tensor/tensor.js';
import { attendOracle, type OracleOptions } from '../oracle/oracle.js';
import { assertRefused } from '../helpers/assertions.js';
import { normalTensor } from '../helpers/random.js';
import { findDeviation } from '../helpers/tolerance.js';

/** One head of two dims: 3 queries and 3 keys with easy products; query 2 has 3, 3 and 0. */
const easy: AttentionInputs = {
  q: createTensor([1, 1, 3, 2], [1, 0, 0, 2, 1, 1]),
  k: createTensor([1, 1, 3, 2], [1, 2, 3, 0, -1, 1]),
  v: createTensor([1, 1, 3, 1], [1, 2, 3]),
  scale: 1,
};

type Asked = Partial<AttentionInputs>;

function explain(change: Asked, query: number, key: number): Explanation {
  return explainAttention({ ...easy, ...change }, { head: 0, query, key });
}

function assertNear(t: ExecutionContext, actual: number, wanted: number, what?: string): void {
  t.true(Math.abs(actual - wanted) < 1e-12, `${what ?? ''} ${actual} instead of ${wanted}`);
}

test('a softcap bends the scaled score before ALiBi and bias are added', (t) => {
  const bias = createTensor([3], [0.5, 0, 0]);
  const { steps } = explain({ scale: 0.5, softcap: 2, alibiSlopes: [0.25], bias }, 2, 0);
  t.like(steps, { dot: 3, scaled: 1.5, alibi: -0.5, bias: 0.5 });
  assertNear(t, steps!.softcapped, 2 * Math.tanh(0.75));
  assertNear(t, steps!.biased, 2 * Math.tanh(0.75));
});

test('ALiBi counts the distance from the diagonal to either side', (t) => {
  const alibiOf = (change: Asked, query: number) =>
    [0, 1, 2].map((key) => explain({ alibiSlopes: [0.5], ...change }, query, key).steps!.alibi);
  t.deepEqual(alibiOf({}, 1), [-0.5, 0, -0.5]);
  t.deepEqual(alibiOf({ alibiSlopes: [-2] }, 0), [0, 2, 4]);
  const oneQuery = { q: createTensor([1, 1, 1, 2], [1, 1]), alignment: 'bottom-right' } as const;
  t.deepEqual(alibiOf(oneQuery, 0), [-1, -0.5, 0]);
});

test('a sink takes part of the sum and no rank', (t) => {
  const { sink, maximum, logSumExp, probability, rank } = explain({ sinks: [4] }, 2, 0);
  t.deepEqual([sink, maximum, rank], [4, 4, 1]);
  const sum = 2 * Math.exp(3) + 1 + Math.exp(4);
  assertNear(t, logSumExp, Math.log(sum));
  assertNear(t, probability, Math.exp(3) / sum);
});

test('of a row that attends nothing the sum is the sink, or nothing without one', (t) => {
  const mask = { shape: [1], data: [false] };
  t.like(explain({ mask, sinks: [-3] }, 1, 0), { probability: 0, maximum: -3, logSumExp: -3, sink: -3 });
  t.like(explain({ mask }, 1, 0), { probability: 0, maximum: -Infinity, logSumExp: -Infinity });
  const none = explain({ mask, sinks: [-Infinity] }, 1, 0);
  t.like(none, { probability: 0, maximum: -Infinity, logSumExp: -Infinity, sink: -Infinity });
});

test('the factor of the head is told and changes no weight', (t) => {
  const { headScale, ...rest } = explain({ headScale: [0] }, 2, 1);
  t.is(headScale, 0);
  t.deepEqual(rest, explain({}, 2, 1));
});

test('rope turns pairs of halves, or neighbours, by the distance of the tokens', (t) => {
  // Of two dims the two are the same: (1, 1) at position 2 on (-1, 1) at position 2 keeps its product,
  // on (1, 2) at position 0 it is turned by 2 radians.
  const rope = { base: 100 };
  const [cos, sin] = [Math.cos(2), Math.sin(2)];
  for (const interleaved of [false, true]) {
    assertNear(t, explain({ rope: { ...rope, interleaved } }, 2, 2).steps!.dot, 0);
    assertNear(t, explain({ rope: { ...rope, interleaved } }, 2, 0).steps!.dot, cos - sin + 2 * (sin + cos));
  }
  // Of four dims the first pair turns by 1 radian a position, the second by 100^(-1/2); query 1 on key 0 = (1, 0, 0, 0).
  const four = { q: createTensor([1, 1, 2, 4], [0, 0, 0, 0, 1, 2, 3, 4]), v: createTensor([1, 1, 2, 1]) };
  const k = createTensor([1, 1, 2, 4], [1, 0, 0, 0, 0, 0, 0, 0]);
  const dotOf = (interleaved: boolean) =>
    explain({ ...four, k, rope: { ...rope, interleaved } }, 1, 0).steps!.dot;
  assertNear(t, dotOf(false), Math.cos(1) - 3 * Math.sin(1));
  assertNear(t, dotOf(true), Math.cos(1) - 2 * Math.sin(1));
  k.data.set([0, 1, 0, 0]);
  assertNear(t, dotOf(false), 2 * Math.cos(0.1) - 4 * Math.sin(0.1));
  assertNear(t, dotOf(true), 2 * Math.cos(1) + Math.sin(1));
});

test('positions given for rope are those of queries and keys alike, and the diagonal stays', (t) => {
  const near = explain({ rope: { base: 100 } }, 2, 0).steps!.dot;
  const moved = explain({ rope: { base: 100, positions: [7, 8, 9] } }, 2, 0);
  assertNear(t, moved.steps!.dot, near);
  t.is(moved.at.position, 2);
  const same = explain({ rope: { base: 100, positions: [5, 5, 5] } }, 2, 0).steps!.dot;
  assertNear(t, same, 3);
});

test('qkNorm divides by the root of the mean square before it multiplies by its weights', (t) => {
  const qkNorm = { q: [2, 1], k: [1, 0.5], epsilon: 0.5 };
  // (1, 1): mean square 1; (1, 2): 2.5, so 1 / √1.5 and 1 / √3.
  const { dot } = explain({ qkNorm }, 2, 0).steps!;
  assertNear(t, dot, (2 * 1 + 1 * 2 * 0.5) / Math.sqrt(1.5) / Math.sqrt(3));
  const turned = explain({ qkNorm, rope: { base: 10 } }, 2, 2).steps!.dot;
  assertNear(t, turned, explain({ qkNorm }, 2, 2).steps!.dot);
});

test('an infinity at position 0 is not turned into NaN', (t) => {
  const k = createTensor([1, 1, 3, 2], [Infinity, 2, 3, 0, -1, 1]);
  t.is(explain({ k, rope: { base: 10 } }, 0, 0).steps!.dot, Infinity);
});

type Why = Pick<Explanation, 'reason' | 'because'>;
const windowed = test.macro((t: ExecutionContext, change: Asked, query: number, key: number, why: Why) => {
  t.like(explain(change, query, key), { allowed: false, probability: 0, ...why });
});
test(
  'a key in front of the window is told how far it reaches back',
  windowed,
  { window: { left: 1 } },
  2,
  0,
  {
    reason: 'window',
    because: 'window left 1 reaches back to key 1',
  },
);
test('a key after the window is told how far it reaches', windowed, { window: { right: 1 } }, 0, 2, {
  reason: 'window',
  because: 'window right 1 reaches up to key 1',
});
const both = { window: { left: 0, right: 2 }, causal: true } as const;
test('a causal mask comes before a window that is wider', windowed, both, 0, 1, {
  reason: 'causal',
  because: 'key 1 comes after position 0',
});
test('a window of a causal mask reaches back', windowed, both, 2, 1, {
  reason: 'window',
  because: 'window left 0 reaches back to key 2',
});

const refuses = (
  title: string,
  change: object,
  code: 'INVALID_OPTION' | 'UNKNOWN_OPTION',
  ...words: string[]
) => {
  test(`${title} is refused`, async (t) => {
    await assertRefused(t, () => explain(change, 0, 0), { code, what: words });
  });
};
refuses('a softcap of 0', { softcap: 0 }, 'INVALID_OPTION', '`softcap`');
refuses('a slope too many', { alibiSlopes: [1, 2] }, 'INVALID_OPTION', '`alibiSlopes`');
refuses('an option of rope that is none', { rope: { theta: 1 } }, 'UNKNOWN_OPTION', '`theta`');
const oneQuery = createTensor([1, 1, 1, 2], [1, 1]);
refuses(
  'a window that could start at either end',
  { q: oneQuery, window: { left: 1 } },
  'INVALID_OPTION',
  '1 queries on 3',
);

const dims = { batch: 2, heads: 4, kvHeads: 2, queries: 3, keys: 5, headDim: 6, valueDim: 2 };
const [q, k, v] = [
  normalTensor([2, 4, 3, 6], 1),
  normalTensor([2, 2, 5, 6], 2),
  normalTensor([2, 2, 5, 2], 3),
] as const;

interface Case {
  readonly given: Asked;
  readonly oracle: OracleOptions;
}

/** Every step of every key, and what follows, against the oracle; float64 on both sides. */
const agreesWithOracle = test.macro((t: ExecutionContext, { given, oracle }: Case) => {
  const keyLengths = [5, 4];
  const wanted = attendOracle({ dims, q: q.data, k: k.data, v: v.data, keyLengths, ...oracle });
  const all: Explanation[] = [];
  for (let batch = 0; batch < dims.batch; batch++) {
    for (let head = 0; head < dims.heads; head++) {
      for (let query = 0; query < dims.queries; query++) {
        for (let key = 0; key < dims.keys; key++) {
          all.push(explainAttention({ q, k, v, keyLengths, ...given }, { batch, head, query, key }));
        }
      }
    }
  }
  const compare = (what: string, values: readonly number[], numbers: Float64Array): void => {
    t.is(findDeviation(values, numbers, 1e-12, 1e-12), undefined, what);
  };
  const step = (name: 'scaled' | 'softcapped') => all.map(({ steps }) => steps?.[name] ?? -Infinity);
  compare('scaled', step('scaled'), wanted.scores('scaled'));
  compare('softcapped', step('softcapped'), wanted.scores('softcapped'));
  const biased = all.map(({ steps, allowed }) => (allowed ? steps!.biased : -Infinity));
  compare('biased', biased, wanted.scores('biased'));
  compare(
    'weights',
    all.map(({ probability }) => probability),
    wanted.weights,
  );
  const sums = all.filter(({ at }) => at.key === 0).map(({ logSumExp }) => logSumExp);
  compare('logSumExp', sums, wanted.logSumExp);
});

const alignment = 'bottom-right';
const offset = (b: number): number => [2, 1][b]!;
const slopes = [0.5, 0.25, 0.125, 0.0625];
const sinks = [0.5, -1, 2, -0.25];
const norms = { q: [1, 0.5, 2, 1, -1, 0.25], k: [0.5, 1, 1, 2, 1, -0.5], epsilon: 0.125 };

test('softcap and sinks are the oracle’s', agreesWithOracle, {
  given: { softcap: 1.5, sinks },
  oracle: { softcap: 1.5, sinks },
});
test('ALiBi in a window is the oracle’s', agreesWithOracle, {
  given: { alignment, alibiSlopes: slopes, window: { left: 2, right: 1 } },
  oracle: { offset, alibiSlopes: slopes, window: { left: 2, right: 1 } },
});
test('rope of halves is the oracle’s', agreesWithOracle, {
  given: { alignment, rope: { base: 50 } },
  oracle: { offset, rope: { base: 50 } },
});
test('rope of neighbours on a part of the dims is the oracle’s', agreesWithOracle, {
  given: { alignment, rope: { base: 50, dims: 4, interleaved: true } },
  oracle: { offset, rope: { base: 50, dims: 4, interleaved: true } },
});
test('qkNorm is the oracle’s', agreesWithOracle, { given: { qkNorm: norms }, oracle: { qkNorm: norms } });
test('everything at once is the oracle’s', agreesWithOracle, {
  given: {
    causal: alignment,
    window: { left: 2 },
    softcap: 2,
    alibiSlopes: slopes,
    sinks,
    headScale: slopes,
    scale: -0.75,
    rope: { base: 10, dims: 4 },
    qkNorm: norms,
  },
  oracle: {
    causalOffset: offset,
    window: { left: 2 },
    softcap: 2,
    alibiSlopes: slopes,
    sinks,
    scale: -0.75,
    rope: { base: 10, dims: 4 },
    qkNorm: norms,
  },
});
