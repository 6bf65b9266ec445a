// The fused attention of the GPU on a software device, with its options: against the float64 oracle.
import fc from 'fast-check';
import { attentionCase, type CaseOptions } from '../../helpers/attention-case.js';
import { checkAttention } from '../../helpers/gpu-attention-checks.js';
import type { GpuAttentionOptions } from '../../helpers/gpu-attention.js';
import { normalTensor, randomMask } from '../../helpers/random.js';
import { benchTest } from '../../helpers/shader-bench.js';
import { PrecisionPool } from '../../helpers/tolerance.js';

const kibi = 1024;
const shape = { batch: 2, heads: 4, kvHeads: 2, queries: 21, keys: 50, headDim: 8, valueDim: 4 };
const bias = {
  ...normalTensor([4, 21, 50], 11),
  data: normalTensor([4, 21, 50], 11).data.map((value, n) =>
    n % 5 === 0 ? -Infinity : value,
  ) as Float32Array,
};

const options: Readonly<Record<string, CaseOptions>> = {
  'a scale below 0': { scale: -0.7 },
  'a softcap': { softcap: 2, spread: 3 },
  ALiBi: { alibiSlopes: [0.5, 0.25, 0, 1], alignment: 'bottom-right' },
  'a bias with -Infinity': { bias },
  'a mask': { mask: randomMask([2, 1, 21, 50], 7) },
  'a mask and a bias, causal': { mask: randomMask([21, 50], 8), bias, causal: 'bottom-right' },
  'sinks and empty rows': { sinks: [0, 3, -2, 50], causal: 'top-left', mask: randomMask([50], 9, 0.1) },
  'factors of heads': { headScale: [0.5, 0, -2, 1] },
};

for (const [title, given] of Object.entries(options)) {
  benchTest(`attention with ${title}`, async (t, bench) => {
    const pool = new PrecisionPool();
    await checkAttention(t, bench, attentionCase({ ...shape, ...given }).oracle, {}, pool);
    t.is(pool.findProblem(), undefined);
  });
}

benchTest('a mask by key and a bias by query, repeated for all others', async (t, bench) => {
  const pool = new PrecisionPool();
  const given = {
    ...shape,
    mask: randomMask([50], 7),
    bias: normalTensor([21, 1], 8),
    causal: 'bottom-right',
  } as const;
  await checkAttention(t, bench, attentionCase(given).oracle, { isBroadcast: true }, pool);
  t.is(pool.findProblem(), undefined);
});

benchTest('extra keys are attended by every query, whatever is masked', async (t, bench) => {
  const pool = new PrecisionPool();
  for (const count of [1, 2, 35]) {
    const { oracle } = attentionCase({
      ...shape,
      causal: 'top-left',
      keyLengths: [50, 0],
      mask: randomMask([50], 4, 0.3),
    });
    const extra = {
      count,
      k: normalTensor([2, count, 8], 21).data,
      v: normalTensor([2, count, 4], 22).data,
    };
    await checkAttention(t, bench, { ...oracle, extra }, {}, pool);
  }
  t.is(pool.findProblem(), undefined);
});

for (const [headDim, valueDim, workgroupBytes] of [
  [1, 1, 32],
  [5, 7, 16],
  [64, 80, 16],
  [128, 33, 32],
  [130, 256, 16],
  [256, 256, 32],
] as const) {
  benchTest(`heads of ${headDim} and ${valueDim} dims in ${workgroupBytes} KiB`, async (t, bench) => {
    const pool = new PrecisionPool();
    for (const isTokenMajor of [false, true]) {
      const { oracle } = attentionCase({
        heads: 2,
        queries: 19,
        keys: 37,
        headDim,
        valueDim,
        causal: 'bottom-right',
      });
      await checkAttention(t, bench, oracle, { workgroupBytes: workgroupBytes * kibi, isTokenMajor }, pool);
    }
    t.is(pool.findProblem(), undefined);
  });
}

benchTest('options together, drawn at random', async (t, bench) => {
  const pool = new PrecisionPool();
  const length = fc.integer({ min: 1, max: 70 });
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const drawn = fc.record({
    seed: fc.integer({ min: 1, max: 1000 }),
    queries: length,
    keys: length,
    batch: fc.integer({ min: 1, max: 2 }),
    kvHeads: fc.integer({ min: 1, max: 2 }),
    group: fc.integer({ min: 1, max: 3 }),
    causal: fc.constantFrom(undefined, 'top-left', 'bottom-right'),
    window: maybe(
      fc.record({ left: fc.integer({ min: 0, max: 40 }), right: fc.integer({ min: 0, max: 40 }) }),
    ),
    isMasked: fc.boolean(),
    isBiased: fc.boolean(),
    isSloped: fc.boolean(),
    extras: fc.integer({ min: 0, max: 2 }),
    lengths: maybe(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 2 })),
    isTokenMajor: fc.boolean(),
    workgroupBytes: fc.constantFrom(16 * kibi, 32 * kibi),
  });
  for (const draw of fc.sample(drawn, { numRuns: 40, seed: 5 })) {
    const { seed, queries, keys, batch, kvHeads, group, causal, window, extras } = draw;
    const heads = kvHeads * group;
    const { oracle } = attentionCase({
      ...{ seed, queries, keys, batch, kvHeads, heads, headDim: 8 },
      ...(causal && { causal }),
      ...(window && { window }),
      ...(draw.isMasked && { mask: randomMask([heads, queries, keys], seed) }),
      ...(draw.isBiased && { bias: normalTensor([batch, 1, queries, keys], seed) }),
      ...(draw.isSloped && { alibiSlopes: Array.from({ length: heads }, (_, h) => 2 ** -h) }),
      ...(draw.lengths && {
        keyLengths: draw.lengths.slice(0, batch).map((share) => Math.floor(share * keys)),
      }),
    });
    const extra = {
      count: extras,
      k: normalTensor([kvHeads, extras, 8], 2 * seed).data,
      v: normalTensor([kvHeads, extras, 8], 2 * seed + 1).data,
    };
    const given: GpuAttentionOptions = {
      isTokenMajor: draw.isTokenMajor,
      workgroupBytes: draw.workgroupBytes,
    };
    await checkAttention(t, bench, extras === 0 ? oracle : { ...oracle, extra }, given, pool);
  }
  t.is(pool.findProblem(), undefined);
});
