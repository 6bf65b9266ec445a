// Random combinations of shapes and options against the oracle, and what holds for every attention.
import test from 'ava';
import fc from 'fast-check';
import type { Engine } from '../../src/index.js';
import { attendOracle } from '../../workers/kernels/reference/oracle.js';
import { attentionCase, type AttentionCase, type CaseOptions } from '../helpers/attention-case.js';
import { openEngines, testKernels } from '../helpers/engines.js';
import { attendNaive32 } from '../helpers/naive32.js';
import { normalTensor, randomMask } from '../helpers/random.js';
import { findDeviation, PrecisionPool } from '../helpers/tolerance.js';

const engineOf = openEngines();
const runs = { seed: 20_251, numRuns: 200 };

const length = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(47, 48, 49, 63, 64, 65, 66) },
);

const anyCase = fc
  .record({
    batch: fc.integer({ min: 1, max: 2 }),
    kvHeads: fc.integer({ min: 1, max: 2 }),
    group: fc.integer({ min: 1, max: 3 }),
    queries: length,
    keys: length,
    headDim: fc.integer({ min: 1, max: 20 }),
    valueDim: fc.integer({ min: 1, max: 20 }),
    causal: fc.constantFrom(undefined, 'top-left' as const, 'bottom-right' as const),
    hasLengths: fc.boolean(),
    scale: fc.constantFrom(undefined, undefined, 0, -0.5, 0.3),
    maskAxes: fc.option(fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean())),
    biasAxes: fc.option(fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean())),
    seed: fc.nat({ max: 10_000 }),
  })
  .map(({ group, hasLengths, maskAxes, biasAxes, causal, scale, ...rest }): CaseOptions => {
    const { batch, kvHeads, queries, keys, seed } = rest;
    const full = [batch, kvHeads * group, queries, keys];
    const shapeOf = (axes: readonly boolean[]): number[] => full.map((axis, n) => (axes[n] ? axis : 1));
    const bias = biasAxes && normalTensor(shapeOf(biasAxes), seed);
    if (bias) for (let n = seed % 5; n < bias.data.length; n += 5) bias.data[n] = -Infinity;
    return {
      ...rest,
      heads: kvHeads * group,
      ...(causal && { causal }),
      ...(scale !== undefined && { scale }),
      ...(hasLengths && { keyLengths: Array.from({ length: batch }, (_, b) => (seed + 3 * b) % (keys + 1)) }),
      ...(maskAxes && { mask: randomMask(shapeOf(maskAxes), seed) }),
      ...(bias && { bias }),
    };
  });

function describeCase(options: CaseOptions): string {
  return JSON.stringify({ ...options, mask: options.mask?.shape, bias: options.bias?.shape });
}

/** Throws with the case in its message, so that fast-check shows it. */
function expectNone(problem: string | undefined, options: CaseOptions): void {
  if (problem !== undefined) throw new Error(`${problem}, ${describeCase(options)}`);
}

async function attend(engine: Engine, { inputs }: AttentionCase) {
  return engine.attention({ ...inputs, returnWeights: true, returnLogSumExp: true });
}

testKernels(engineOf, 'random combinations of options match the oracle', async (t, engine) => {
  const [outputs, allWeights] = [new PrecisionPool(), new PrecisionPool()];
  await fc.assert(
    fc.asyncProperty(anyCase, async (options) => {
      const chosen = attentionCase(options);
      const oracle = attendOracle(chosen.oracle);
      const { output, weights, logSumExp } = await attend(engine, chosen);
      const naive = attendNaive32(chosen.oracle);
      outputs.add({ actual: output.data, oracle: oracle.output, naive: naive.output }, describeCase(options));
      allWeights.add(
        { actual: weights!.data, oracle: oracle.weights, naive: naive.weights },
        describeCase(options),
      );
      expectNone(findDeviation(output.data, oracle.output), options);
      expectNone(findDeviation(weights!.data, oracle.weights), options);
      expectNone(findDeviation(logSumExp!.data, oracle.logSumExp, 2e-6, 1e-6), options);
    }),
    runs,
  );
  t.is(outputs.findProblem(), undefined);
  t.is(allWeights.findProblem(), undefined);
});

testKernels(engineOf, 'values of one come out as ones, or as zeros in empty rows', async (t, engine) => {
  await fc.assert(
    fc.asyncProperty(anyCase, async (options) => {
      const chosen = attentionCase(options);
      chosen.inputs.v.data.fill(1);
      const { output, logSumExp } = await attend(engine, chosen);
      const { valueDim } = chosen.oracle.dims;
      const wanted = Float64Array.from(output.data, (_, n) =>
        logSumExp!.data[Math.floor(n / valueDim)] === -Infinity ? 0 : 1,
      );
      expectNone(findDeviation(output.data, wanted, 1e-6, 0), options);
    }),
    { ...runs, numRuns: 50 },
  );
  t.pass();
});

testKernels(
  engineOf,
  'outputs lie between the least and the largest value of their column',
  async (t, engine) => {
    await fc.assert(
      fc.asyncProperty(anyCase, async (options) => {
        const chosen = attentionCase(options);
        const { output } = await attend(engine, chosen);
        const [least, most] = [Math.min(0, ...chosen.inputs.v.data), Math.max(0, ...chosen.inputs.v.data)];
        const outside = output.data.findIndex((value) => value < least - 1e-6 || value > most + 1e-6);
        expectNone(outside < 0 ? undefined : `element ${outside} is ${output.data[outside]!}`, options);
      }),
      { ...runs, numRuns: 50 },
    );
    t.pass();
  },
);

/** Keys, values and the mask's last axis in the order of `from`. */
function permuteKeys(options: CaseOptions, from: readonly number[]): AttentionCase {
  const { inputs, oracle } = attentionCase(options);
  const rows = (data: Float32Array | Uint16Array, width: number): Float32Array =>
    Float32Array.from(data, (_, n) => {
      const row = Math.floor(n / width);
      return data[(row - (row % from.length) + from[row % from.length]!) * width + (n % width)]!;
    });
  const { headDim, valueDim } = oracle.dims;
  const { shape, data } = options.mask!;
  const mask = {
    shape,
    data: Uint8Array.from(data, (_, n) => data[n - (n % from.length) + from[n % from.length]!]!),
  };
  return {
    oracle,
    inputs: {
      ...inputs,
      k: { shape: inputs.k.shape, data: rows(inputs.k.data, headDim) },
      v: { shape: inputs.v.shape, data: rows(inputs.v.data, valueDim) },
      mask,
    },
  };
}

testKernels(engineOf, 'keys in another order, with their mask, give the same output', async (t, engine) => {
  for (let seed = 0; seed < 20; seed++) {
    const keys = 5 + 7 * seed;
    const mask = randomMask([2, 1, 4, keys], seed);
    const options = { batch: 2, heads: 2, kvHeads: 1, queries: 4, keys, headDim: 6, valueDim: 3, seed, mask };
    const from = Array.from({ length: keys }, (_, j) => (j * 3 + seed) % keys);
    if (new Set(from).size < keys) continue;
    const wanted = attendOracle(attentionCase(options).oracle).output;
    const { output } = await attend(engine, permuteKeys(options, from));
    t.is(findDeviation(output.data, wanted), undefined, `${keys} keys`);
  }
});

testKernels(
  engineOf,
  'adding the same number to all biases of a row changes only its log-sum-exp',
  async (t, engine) => {
    const options = { heads: 2, queries: 9, keys: 70, headDim: 5 };
    const plain = await attend(engine, attentionCase(options));
    const shifted = await attend(
      engine,
      attentionCase({ ...options, bias: { shape: [1], data: Float32Array.of(3) } }),
    );
    t.is(findDeviation(shifted.output.data, plain.output.data), undefined);
    t.is(
      findDeviation(
        shifted.logSumExp!.data,
        plain.logSumExp!.data.map((value) => value + 3),
      ),
      undefined,
    );
  },
);

test('the random cases reach every option', (t) => {
  const cases = fc.sample(anyCase, runs);
  for (const name of ['causal', 'keyLengths', 'mask', 'bias', 'scale'] as const) {
    t.true(
      cases.some((options) => name in options),
      name,
    );
    t.true(
      cases.some((options) => !(name in options)),
      name,
    );
  }
});
